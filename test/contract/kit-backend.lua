-- Keeps the contract, in memory: every part of an account has a key of its own in the cache. Tests break it in one place at a time.
local cache = require("nauthilus_cache")
local OK, NOT_FOUND = nauthilus_builtin.BACKEND_RESULT_OK, nauthilus_builtin.BACKEND_RESULT_NOT_FOUND
local ACCOUNTS = { demo = { password = "Right-one 1", id = "id-demo", mail = "demo@example.org" } }

local function find(name) return ACCOUNTS[name] end
local function keys(name) return "key:" .. name .. ":" end

function nauthilus_backend_verify_password(request)
  local found = find(request.username)
  if found == nil then return NOT_FOUND end
  local b = nauthilus_backend_result.new()
  b:user_found(true)
  b:authenticated(not request.no_auth and request.password == found.password)
  b:account_field("account")
  b:unique_user_id_field("id")
  b:totp_secret_field("totp")
  b:totp_recovery_field("codes")
  local totp, codes = cache.cache_get("totp:" .. request.username), cache.cache_get("codes:" .. request.username)
  b:attributes({ account = request.username, id = found.id, mail = found.mail, totp = totp, codes = codes })
  return OK, b
end

function nauthilus_backend_list_accounts()
  local names = {}
  for name in pairs(ACCOUNTS) do names[#names + 1] = name end
  return OK, names
end

function nauthilus_backend_add_totp(request)
  if find(request.username) == nil then return NOT_FOUND end
  cache.cache_set("totp:" .. request.username, request.totp_secret)
  return OK
end

function nauthilus_backend_delete_totp(request)
  cache.cache_delete("totp:" .. request.username)
  return OK
end

function nauthilus_backend_add_totp_recovery_codes(request)
  if find(request.username) == nil then return NOT_FOUND end
  local codes = request.totp_recovery_codes
  cache.cache_set("codes:" .. request.username, codes)
  return OK
end

function nauthilus_backend_delete_totp_recovery_codes(request)
  cache.cache_delete("codes:" .. request.username)
  return OK
end

function nauthilus_backend_get_webauthn_credentials(request)
  local own, list = keys(request.username), {}
  for _, key in ipairs(cache.cache_keys()) do
    if key:sub(1, #own) == own then list[#list + 1] = key:sub(#own + 1) end
  end
  return OK, list
end

function nauthilus_backend_save_webauthn_credential(request)
  if find(request.username) == nil then return NOT_FOUND end
  local credential = request.webauthn_credential
  cache.cache_set(keys(request.username) .. credential, true)
  return OK
end

function nauthilus_backend_delete_webauthn_credential(request)
  local removed = cache.cache_delete(keys(request.username) .. request.webauthn_credential)
  return removed and OK or NOT_FOUND
end

function nauthilus_backend_update_webauthn_credential(request)
  local old = keys(request.username) .. request.webauthn_old_credential
  if not cache.cache_delete(old) then return NOT_FOUND end
  cache.cache_set(keys(request.username) .. request.webauthn_credential, true)
  return OK
end
