-- Accounts in an SQLite database. All ten functions; every statement is prepared, no value ever becomes SQL text.
--
-- The tables below are made when they are missing. Passwords are stored as hashes made by `hash-password` (Argon2id; the other
-- formats of compare_passwords work too). `groups` and `recovery_codes` are comma-separated lists. People sign in with their
-- user name, or with their mail address where no other account has the same one.
local passwords = require("nauthilus_password")
local db = require("db")

local DSN = os.getenv("MOONLATCH_ACCOUNTS") or "./data/accounts.db"

-- Compared with when there is no such user, so that the answer takes as long as for a wrong password.
local NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$bW9vbmxhdGNobm9ib2R5$3c9m0y0o2cH1bZ8t5d5m0YfKJk0uYpC3w1xk4q7n0bE"

local SCHEMA = {
  [[CREATE TABLE IF NOT EXISTS accounts (
      username TEXT PRIMARY KEY, password_hash TEXT NOT NULL, unique_id TEXT NOT NULL UNIQUE, display_name TEXT, mail TEXT,
      groups TEXT NOT NULL DEFAULT '', disabled INTEGER NOT NULL DEFAULT 0, totp_secret TEXT, recovery_codes TEXT)]],
  [[CREATE TABLE IF NOT EXISTS webauthn_credentials (
      username TEXT NOT NULL REFERENCES accounts (username) ON DELETE CASCADE, credential TEXT NOT NULL, PRIMARY KEY (username, credential))]],
}

local OK = nauthilus_builtin.BACKEND_RESULT_OK
-- Hosts that lack these two codes would read nil as success.
local NOT_FOUND = nauthilus_builtin.BACKEND_RESULT_NOT_FOUND
local DENIED = nauthilus_builtin.BACKEND_RESULT_DENIED

-- Ends a password check or lookup without an account; where the code is missing, by a result that says so.
local function refuse(code)
  if code == nil then return OK, nauthilus_backend_result.new() end
  return code
end

local function check(err)
  if err ~= nil then error(err, 0) end
end

local connection

local function prepare(sql)
  local err
  if connection == nil then
    connection, err = db.open("sqlite3", DSN, { shared = true })
    check(err)
  end
  local statement
  statement, err = connection:stmt(sql)
  if err == nil then return statement end
  -- Most likely an empty database. Whatever else it was, the second attempt tells.
  for _, create in ipairs(SCHEMA) do
    local _, failed = connection:exec(create)
    check(failed)
  end
  statement, err = connection:stmt(sql)
  check(err)
  return statement
end

local function query(sql, ...)
  local statement = prepare(sql)
  local found, err = statement:query(...)
  statement:close()
  check(err)
  return found.rows
end

local function execute(sql, ...)
  local statement = prepare(sql)
  local done, err = statement:exec(...)
  statement:close()
  check(err)
  return done.rows_affected
end

-- Changes what is stored for an account; no row means that there is nothing to change.
local function change(sql, ...)
  if execute(sql, ...) == 0 then return NOT_FOUND or nauthilus_builtin.BACKEND_RESULT_FAIL end
  return OK
end

local COLUMNS = "SELECT username, password_hash, unique_id, display_name, mail, groups, disabled, totp_secret, recovery_codes FROM accounts "

local function find(request)
  local row = query(COLUMNS .. "WHERE username = ?", request.username)[1]
  -- A lookup asks for an account that is known already; only what a person typed may be a mail address.
  if row ~= nil or request.no_auth then return row end
  local same = query(COLUMNS .. "WHERE mail = ? LIMIT 2", request.username)
  if #same == 1 then return same[1] end
  return nil
end

---@param request BackendRequest
function nauthilus_backend_verify_password(request)
  local row = find(request)
  if row == nil then
    if not request.no_auth then passwords.compare_passwords(NOBODY, request.password) end
    return refuse(NOT_FOUND)
  end

  local matches = false
  if not request.no_auth then
    local err
    matches, err = passwords.compare_passwords(row[2], request.password)
    check(err)
  end
  -- Only someone who knows the password is told that the account is disabled.
  if row[7] ~= 0 and (matches or request.no_auth) then return refuse(DENIED) end

  local groups = {}
  for group in string.gmatch(row[6], "[^,]+") do groups[#groups + 1] = group end

  local account = nauthilus_backend_result.new()
  account:user_found(true)
  account:authenticated(matches)
  account:account_field("account")
  account:unique_user_id_field("unique_id")
  account:display_name_field("display_name")
  account:totp_secret_field("totp_secret")
  account:totp_recovery_field("recovery_codes")
  account:attributes({
    account = row[1], unique_id = row[3], display_name = row[4], mail = row[5], groups = groups, totp_secret = row[8], recovery_codes = row[9],
  })
  return OK, account
end

function nauthilus_backend_list_accounts()
  local names = {}
  for _, row in ipairs(query("SELECT username FROM accounts ORDER BY username")) do names[#names + 1] = row[1] end
  return OK, names
end

---@param request BackendRequest
function nauthilus_backend_add_totp(request)
  return change("UPDATE accounts SET totp_secret = ? WHERE username = ?", request.totp_secret, request.username)
end

---@param request BackendRequest
function nauthilus_backend_delete_totp(request)
  return change("UPDATE accounts SET totp_secret = NULL WHERE username = ?", request.username)
end

-- The list replaces the one before.
---@param request BackendRequest
function nauthilus_backend_add_totp_recovery_codes(request)
  local codes = request.totp_recovery_codes or {}
  if #codes == 0 then return nauthilus_backend_delete_totp_recovery_codes(request) end
  return change("UPDATE accounts SET recovery_codes = ? WHERE username = ?", table.concat(codes, ","), request.username)
end

---@param request BackendRequest
function nauthilus_backend_delete_totp_recovery_codes(request)
  return change("UPDATE accounts SET recovery_codes = NULL WHERE username = ?", request.username)
end

---@param request BackendRequest
function nauthilus_backend_get_webauthn_credentials(request)
  local credentials = {}
  local rows = query("SELECT credential FROM webauthn_credentials WHERE username = ? ORDER BY rowid", request.username)
  for _, row in ipairs(rows) do credentials[#credentials + 1] = row[1] end
  return OK, credentials
end

---@param request BackendRequest
function nauthilus_backend_save_webauthn_credential(request)
  -- The conflict clause touches a row that is there already, so that saving it again is fine and a missing account is not.
  return change([[INSERT INTO webauthn_credentials (username, credential) SELECT username, ? FROM accounts WHERE username = ?
                  ON CONFLICT (username, credential) DO UPDATE SET username = excluded.username]],
    request.webauthn_credential, request.username)
end

---@param request BackendRequest
function nauthilus_backend_delete_webauthn_credential(request)
  return change("DELETE FROM webauthn_credentials WHERE username = ? AND credential = ?", request.username, request.webauthn_credential)
end

---@param request BackendRequest
function nauthilus_backend_update_webauthn_credential(request)
  return change("UPDATE webauthn_credentials SET credential = ? WHERE username = ? AND credential = ?",
    request.webauthn_credential, request.username, request.webauthn_old_credential)
end
