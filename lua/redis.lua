-- Accounts in Redis or Valkey. All ten functions; what belongs together is changed by one script in Redis, all of it or nothing.
--
-- An account is a hash with the fields below, a mail address that signs in a key with the user name, and the list of accounts a
-- sorted set. Passwords are stored as hashes made by `hash-password` (the other formats of compare_passwords work too). `groups` and
-- `recovery_codes` are comma-separated lists; credentials are fields `webauthn:<number>` of the account.
local passwords = require("nauthilus_password")
local redis = require("nauthilus_redis")

local POOL = "default"
local PREFIX = os.getenv("MOONLATCH_REDIS_PREFIX") or "moonlatch:"
local FIELDS = {
  "username", "password_hash", "unique_id", "display_name", "mail", "groups", "disabled", "totp_secret", "recovery_codes",
}

-- Compared with when there is no such user, so that the answer takes as long as for a wrong password.
local NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$bW9vbmxhdGNobm9ib2R5$3c9m0y0o2cH1bZ8t5d5m0YfKJk0uYpC3w1xk4q7n0bE"

-- What runs in Redis: each answers 1, or 0 where there is nothing to change.
local SET = [[
  if redis.call('HEXISTS', KEYS[1], 'username') == 0 then return 0 end
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
  return 1]]
local REMOVE = [[
  if redis.call('HEXISTS', KEYS[1], 'username') == 0 then return 0 end
  redis.call('HDEL', KEYS[1], ARGV[1])
  return 1]]
local FIND = [[
  if redis.call('HEXISTS', KEYS[1], 'username') == 0 then return 0 end
  local all = redis.call('HGETALL', KEYS[1])
  local function find(credential)
    for index = 1, #all, 2 do
      if string.sub(all[index], 1, 9) == 'webauthn:' and all[index + 1] == credential then return all[index] end
    end
  end]]
local SAVE_CREDENTIAL = FIND .. [[
  if find(ARGV[1]) then return 1 end
  redis.call('HSET', KEYS[1], 'webauthn:' .. redis.call('HINCRBY', KEYS[1], 'webauthn_last', 1), ARGV[1])
  return 1]]
local DELETE_CREDENTIAL = FIND .. [[
  local field = find(ARGV[1])
  if not field then return 0 end
  return redis.call('HDEL', KEYS[1], field)]]
local UPDATE_CREDENTIAL = FIND .. [[
  local field = find(ARGV[1])
  if not field then return 0 end
  local twin = find(ARGV[2])
  if twin and twin ~= field then redis.call('HDEL', KEYS[1], twin) end
  redis.call('HSET', KEYS[1], field, ARGV[2])
  return 1]]

local OK = nauthilus_builtin.BACKEND_RESULT_OK
-- Hosts that lack these two codes would read nil as success.
local NOT_FOUND = nauthilus_builtin.BACKEND_RESULT_NOT_FOUND
local DENIED = nauthilus_builtin.BACKEND_RESULT_DENIED

-- Ends a password check or lookup without an account; where the code is missing, by a result that says so.
local function refuse(code)
  if code == nil then return OK, nauthilus_backend_result.new() end
  return code
end

local function checked(value, err)
  if err ~= nil then error(err, 0) end
  return value
end

local function account_key(name) return PREFIX .. "account:" .. name end

-- Changes what is stored for an account; 0 means that there is nothing to change.
local function change(script, request, ...)
  if checked(redis.redis_run_script(POOL, script, "", { account_key(request.username) }, { ... })) == 0 then
    return NOT_FOUND or nauthilus_builtin.BACKEND_RESULT_FAIL
  end
  return OK
end

local function read(name)
  local account = checked(redis.redis_hmget(POOL, account_key(name), FIELDS))
  -- A key of another name than its account would be an account nobody means.
  if account.username ~= name then return nil end
  return account
end

local function find(request)
  local account = read(request.username)
  -- A lookup asks for an account that is known already; only what a person typed may be a mail address.
  if account ~= nil or request.no_auth then return account end
  local name = checked(redis.redis_get(POOL, PREFIX .. "mail:" .. request.username))
  if name == nil then return nil end
  return read(name)
end

---@param request BackendRequest
function nauthilus_backend_verify_password(request)
  local account = find(request)
  if account == nil then
    if not request.no_auth then passwords.compare_passwords(NOBODY, request.password) end
    return refuse(NOT_FOUND)
  end

  local matches = false
  if not request.no_auth then matches = checked(passwords.compare_passwords(account.password_hash or "", request.password)) end
  -- Only someone who knows the password is told that the account is disabled.
  if (account.disabled or "0") ~= "0" and (matches or request.no_auth) then return refuse(DENIED) end

  local groups = {}
  for group in string.gmatch(account.groups or "", "[^,]+") do groups[#groups + 1] = group end

  local result = nauthilus_backend_result.new()
  result:user_found(true)
  result:authenticated(matches)
  result:account_field("account")
  result:unique_user_id_field("unique_id")
  result:display_name_field("display_name")
  result:totp_secret_field("totp_secret")
  result:totp_recovery_field("recovery_codes")
  result:attributes({
    account = account.username, unique_id = account.unique_id, display_name = account.display_name, mail = account.mail, groups = groups,
    totp_secret = account.totp_secret, recovery_codes = account.recovery_codes,
  })
  return OK, result
end

function nauthilus_backend_list_accounts()
  local names, page = {}, nil
  repeat
    page = checked(redis.redis_zrange(POOL, PREFIX .. "accounts", #names, #names + 999))
    for _, name in ipairs(page) do names[#names + 1] = name end
  until #page < 1000
  return OK, names
end

---@param request BackendRequest
function nauthilus_backend_add_totp(request) return change(SET, request, "totp_secret", request.totp_secret) end

---@param request BackendRequest
function nauthilus_backend_delete_totp(request) return change(REMOVE, request, "totp_secret") end

-- The list replaces the one before.
---@param request BackendRequest
function nauthilus_backend_add_totp_recovery_codes(request)
  local codes = request.totp_recovery_codes or {}
  if #codes == 0 then return nauthilus_backend_delete_totp_recovery_codes(request) end
  return change(SET, request, "recovery_codes", table.concat(codes, ","))
end

---@param request BackendRequest
function nauthilus_backend_delete_totp_recovery_codes(request) return change(REMOVE, request, "recovery_codes") end

---@param request BackendRequest
function nauthilus_backend_get_webauthn_credentials(request)
  local numbers, by_number = {}, {}
  for field, value in pairs(checked(redis.redis_hgetall(POOL, account_key(request.username)))) do
    local number = tonumber(string.match(field, "^webauthn:(%d+)$"))
    if number ~= nil then
      numbers[#numbers + 1] = number
      by_number[number] = value
    end
  end
  table.sort(numbers)
  local credentials = {}
  for index, number in ipairs(numbers) do credentials[index] = by_number[number] end
  return OK, credentials
end

---@param request BackendRequest
function nauthilus_backend_save_webauthn_credential(request)
  return change(SAVE_CREDENTIAL, request, request.webauthn_credential)
end

---@param request BackendRequest
function nauthilus_backend_delete_webauthn_credential(request)
  return change(DELETE_CREDENTIAL, request, request.webauthn_credential)
end

---@param request BackendRequest
function nauthilus_backend_update_webauthn_credential(request)
  return change(UPDATE_CREDENTIAL, request, request.webauthn_old_credential, request.webauthn_credential)
end
