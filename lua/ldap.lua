-- Accounts in an LDAP directory. All ten functions: a search finds the entry, a bind as the entry checks the password, and second
-- factors are attributes of the entry (schema/ldap-factors.schema has some; others may be named below).
local ldap = require("nauthilus_ldap")

local POOL = "default"
local BASE = os.getenv("MOONLATCH_LDAP_BASE") or "ou=people,dc=example,dc=org"
-- %s is what the person typed, escaped. Entries that must not sign in are those it does not find.
local FILTER = os.getenv("MOONLATCH_LDAP_FILTER") or "(&(objectClass=inetOrgPerson)(|(uid=%s)(mail=%s)))"
-- Finds an account that is known already.
local ACCOUNT_FILTER = os.getenv("MOONLATCH_LDAP_ACCOUNT_FILTER") or "(&(objectClass=inetOrgPerson)(uid=%s))"

-- The attributes of an entry. ID becomes `sub`: one that never changes and is never given to someone else.
local ACCOUNT, ID, NAME = "uid", "entryUUID", "displayName"
local OTHERS = { "mail", "givenName", "sn", "memberOf" }
local TOTP, CODES, CREDENTIALS = "moonlatchTotpSecret", "moonlatchRecoveryCode", "moonlatchWebauthnCredential"
-- The class that allows them, added with the first of them; "" where the entries have it already.
local CLASS = "moonlatchFactors"

local OK = nauthilus_builtin.BACKEND_RESULT_OK
-- Hosts that lack this code would read nil as success.
local NOT_FOUND = nauthilus_builtin.BACKEND_RESULT_NOT_FOUND

local function checked(value, err)
  if err ~= nil then error(err, 0) end
  return value
end

local function filter_for(filter, value)
  return (string.gsub(filter, "%%s", function() return value end))
end

-- The one entry a filter finds, or nil.
local function find(request, filter)
  local attributes = { ACCOUNT, ID, NAME, TOTP, CODES, CREDENTIALS, "objectClass" }
  for _, name in ipairs(OTHERS) do attributes[#attributes + 1] = name end
  local found = checked(ldap.ldap_search({
    pool_name = POOL, session = request.session, basedn = BASE, scope = "sub", raw_result = true, attributes = attributes,
    filter = filter_for(filter, ldap.ldap_escape_filter(request.username)),
  }))
  if #found > 1 then error("several entries are meant by one name; make the filter narrower", 0) end
  return found[1]
end

---@param request BackendRequest
function nauthilus_backend_verify_password(request)
  local entry = find(request, request.no_auth and ACCOUNT_FILTER or FILTER)
  if entry == nil then
    -- A bind as nobody's entry takes about the time of one with a wrong password.
    if not request.no_auth then
      ldap.ldap_bind({ pool_name = POOL, dn = ACCOUNT .. "=" .. ldap.ldap_escape_dn(request.username) .. "," .. BASE, password = request.password })
    end
    if NOT_FOUND == nil then return OK, nauthilus_backend_result.new() end
    return NOT_FOUND
  end

  local matches = false
  if not request.no_auth then matches = checked(ldap.ldap_bind({ pool_name = POOL, dn = entry.dn, password = request.password })) end

  local found = entry.attributes
  local attributes = { account = (found[ACCOUNT] or {})[1], unique_id = (found[ID] or {})[1], display_name = (found[NAME] or {})[1] }
  for _, name in ipairs(OTHERS) do attributes[name] = found[name] end
  attributes.totp_secret, attributes.recovery_codes = found[TOTP], found[CODES]

  local account = nauthilus_backend_result.new()
  account:user_found(true)
  account:authenticated(matches)
  account:account_field("account")
  account:unique_user_id_field("unique_id")
  account:display_name_field("display_name")
  account:totp_secret_field("totp_secret")
  account:totp_recovery_field("recovery_codes")
  account:attributes(attributes)
  return OK, account
end

---@param request BackendRequest
function nauthilus_backend_list_accounts(request)
  local found = checked(ldap.ldap_search({
    pool_name = POOL, session = request.session, basedn = BASE, scope = "sub", filter = filter_for(ACCOUNT_FILTER, "*"), attributes = { ACCOUNT },
  }))
  return OK, found[ACCOUNT] or {}
end

-- Changes an entry, all of it or nothing. Answers OK, or the number of the server's error when it is one of `expected`.
local function modify(entry, changes, expected)
  local _, err = ldap.ldap_modify({ pool_name = POOL, dn = entry.dn, changes = changes })
  if err == nil then return OK end
  local number = tonumber(string.match(err, "^LDAP error (%d+)"))
  if not (expected or {})[number] then error(err, 0) end
  return number
end

local NO_SUCH_VALUE, VALUE_EXISTS = 16, 20
local MISSING = NOT_FOUND or nauthilus_builtin.BACKEND_RESULT_FAIL

-- The class goes along where the entry lacks it.
local function with_class(entry, changes)
  if CLASS == "" then return changes end
  for _, class in ipairs(entry.attributes.objectClass or {}) do
    if string.lower(class) == string.lower(CLASS) then return changes end
  end
  table.insert(changes, 1, { operation = "add", attributes = { objectClass = { CLASS } } })
  return changes
end

local function replace(request, name, values)
  local entry = find(request, ACCOUNT_FILTER)
  if entry == nil then return MISSING end
  local changes = { { operation = "replace", attributes = { [name] = values } } }
  return modify(entry, #values > 0 and with_class(entry, changes) or changes)
end

---@param request BackendRequest
function nauthilus_backend_add_totp(request) return replace(request, TOTP, { request.totp_secret }) end

---@param request BackendRequest
function nauthilus_backend_delete_totp(request) return replace(request, TOTP, {}) end

-- The list replaces the one before.
---@param request BackendRequest
function nauthilus_backend_add_totp_recovery_codes(request)
  return replace(request, CODES, request.totp_recovery_codes or {})
end

---@param request BackendRequest
function nauthilus_backend_delete_totp_recovery_codes(request) return replace(request, CODES, {}) end

---@param request BackendRequest
function nauthilus_backend_get_webauthn_credentials(request)
  local entry = find(request, ACCOUNT_FILTER)
  return OK, entry and entry.attributes[CREDENTIALS] or {}
end

---@param request BackendRequest
function nauthilus_backend_save_webauthn_credential(request)
  local entry = find(request, ACCOUNT_FILTER)
  if entry == nil then return MISSING end
  for _, credential in ipairs(entry.attributes[CREDENTIALS] or {}) do
    if credential == request.webauthn_credential then return OK end
  end
  return modify(entry, with_class(entry, { { operation = "add", attributes = { [CREDENTIALS] = { request.webauthn_credential } } } }))
end

---@param request BackendRequest
function nauthilus_backend_delete_webauthn_credential(request)
  local entry = find(request, ACCOUNT_FILTER)
  if entry == nil then return MISSING end
  local done = modify(entry, { { operation = "delete", attributes = { [CREDENTIALS] = { request.webauthn_credential } } } }, { [NO_SUCH_VALUE] = true })
  return done == NO_SUCH_VALUE and MISSING or done
end

-- Both values change in one step, and only while the old one is there.
---@param request BackendRequest
function nauthilus_backend_update_webauthn_credential(request)
  local entry = find(request, ACCOUNT_FILTER)
  if entry == nil then return MISSING end
  local done = modify(entry, {
    { operation = "delete", attributes = { [CREDENTIALS] = { request.webauthn_old_credential } } },
    { operation = "add", attributes = { [CREDENTIALS] = { request.webauthn_credential } } },
  }, { [NO_SUCH_VALUE] = true, [VALUE_EXISTS] = true })
  if done == VALUE_EXISTS then
    -- The new one is there already: only the old one is left to go.
    request.webauthn_credential = request.webauthn_old_credential
    return nauthilus_backend_delete_webauthn_credential(request)
  end
  return done == NO_SUCH_VALUE and MISSING or done
end
