-- Accounts in an SQLite database. All ten functions; every statement is prepared, no value ever becomes SQL text.
--
-- The tables below are created when they are missing. Passwords are stored as hashes made by `hash-password`
-- (Argon2id; bcrypt and crypt hashes work too). `groups` is a comma-separated list.
local builtin = require("nauthilus_builtin")
local result = require("nauthilus_backend_result")
local passwords = require("nauthilus_password")
local db = require("db")

local DSN = os.getenv("MOONLATCH_ACCOUNTS") or "data/accounts.db"

-- Compared with when there is no such user, so that the answer takes as long as for a wrong password.
local NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$bW9vbmxhdGNobm9ib2R5$3c9m0y0o2cH1bZ8t5d5m0YfKJk0uYpC3w1xk4q7n0bE"

local SCHEMA = {
  [[CREATE TABLE IF NOT EXISTS accounts (
      username TEXT PRIMARY KEY, password_hash TEXT NOT NULL, unique_id TEXT NOT NULL UNIQUE, display_name TEXT, mail TEXT,
      groups TEXT NOT NULL DEFAULT '', disabled INTEGER NOT NULL DEFAULT 0, totp_secret TEXT, recovery_codes TEXT)]],
  [[CREATE TABLE IF NOT EXISTS webauthn_credentials (
      username TEXT NOT NULL REFERENCES accounts (username) ON DELETE CASCADE, credential TEXT NOT NULL, PRIMARY KEY (username, credential))]],
}

local function check(err)
  if err ~= nil then error(err, 0) end
end

local function open()
  local connection, err = db.open("sqlite3", DSN, { shared = true })
  check(err)
  return connection
end

local function query(sql, ...)
  local statement, err = open():stmt(sql)
  if err ~= nil then
    for _, create in ipairs(SCHEMA) do
      local _, failed = open():exec(create)
      check(failed)
    end
    statement, err = open():stmt(sql)
  end
  check(err)
  local found, failed = statement:query(...)
  statement:close()
  check(failed)
  return found
end

local function execute(sql, ...)
  local statement, err = open():stmt(sql)
  check(err)
  local done, failed = statement:exec(...)
  statement:close()
  check(failed)
  return done.rows_affected
end

-- Changes one row of the account; no row means there is no such account.
local function change(sql, ...)
  if execute(sql, ...) == 0 then return builtin.BACKEND_RESULT_NOT_FOUND end
  return builtin.BACKEND_RESULT_OK
end

function nauthilus_backend_verify_password(request)
  local found = query([[SELECT username, password_hash, unique_id, display_name, mail, groups, disabled, totp_secret, recovery_codes
                        FROM accounts WHERE username = ? OR mail = ? ORDER BY username = ? DESC LIMIT 1]],
    request.username, request.username, request.username)
  local row = found.rows[1]
  if row == nil then
    if not request.no_auth then passwords.compare_passwords(NOBODY, request.password) end
    return builtin.BACKEND_RESULT_NOT_FOUND
  end

  local matches = false
  if not request.no_auth then
    local err
    matches, err = passwords.compare_passwords(row[2], request.password)
    check(err)
  end
  if row[7] ~= 0 and (matches or request.no_auth) then return builtin.BACKEND_RESULT_DENIED end

  local groups = {}
  for group in string.gmatch(row[6], "[^,]+") do groups[#groups + 1] = group end

  local account = result.new()
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
  return builtin.BACKEND_RESULT_OK, account
end

function nauthilus_backend_list_accounts()
  local names = {}
  for _, row in ipairs(query("SELECT username FROM accounts ORDER BY username").rows) do names[#names + 1] = row[1] end
  return builtin.BACKEND_RESULT_OK, names
end

function nauthilus_backend_add_totp(request)
  return change("UPDATE accounts SET totp_secret = ? WHERE username = ?", request.totp_secret, request.username)
end

function nauthilus_backend_delete_totp(request)
  return change("UPDATE accounts SET totp_secret = NULL WHERE username = ?", request.username)
end

function nauthilus_backend_add_totp_recovery_codes(request)
  local codes = request.totp_recovery_codes or {}
  return change("UPDATE accounts SET recovery_codes = ? WHERE username = ?", #codes > 0 and table.concat(codes, ",") or nil, request.username)
end

function nauthilus_backend_delete_totp_recovery_codes(request)
  return change("UPDATE accounts SET recovery_codes = NULL WHERE username = ?", request.username)
end

function nauthilus_backend_get_webauthn_credentials(request)
  local credentials = {}
  local found = query("SELECT credential FROM webauthn_credentials WHERE username = ? ORDER BY rowid", request.username)
  for _, row in ipairs(found.rows) do credentials[#credentials + 1] = row[1] end
  return builtin.BACKEND_RESULT_OK, credentials
end

function nauthilus_backend_save_webauthn_credential(request)
  execute("INSERT INTO webauthn_credentials (username, credential) VALUES (?, ?) ON CONFLICT DO NOTHING", request.username, request.webauthn_credential)
  return builtin.BACKEND_RESULT_OK
end

function nauthilus_backend_delete_webauthn_credential(request)
  return change("DELETE FROM webauthn_credentials WHERE username = ? AND credential = ?", request.username, request.webauthn_credential)
end

function nauthilus_backend_update_webauthn_credential(request)
  return change("UPDATE webauthn_credentials SET credential = ? WHERE username = ? AND credential = ?",
    request.webauthn_credential, request.username, request.webauthn_old_credential)
end
