-- Accounts behind a small JSON service of your own: one POST for each of the ten functions. lua/README.md describes requests and answers.
--
-- The environment says where: MOONLATCH_HTTP_URL (without a slash at its end) and MOONLATCH_HTTP_TOKEN, both named in `allow.env`; the
-- service's host is named in `allow.hosts`. Whatever is not an answer as described is an error, never a wrong password.
local http = require("glua_http")
local json = require("json")
local util = require("nauthilus_util")

local URL = os.getenv("MOONLATCH_HTTP_URL")
local TOKEN = os.getenv("MOONLATCH_HTTP_TOKEN")
-- Less than the call may take, so that the log tells what was waited for.
local TIMEOUT = "4s"

local OK = nauthilus_builtin.BACKEND_RESULT_OK
local ERROR = nauthilus_builtin.BACKEND_RESULT_FAIL
-- Hosts that lack these two codes would read nil as success.
local NOT_FOUND = nauthilus_builtin.BACKEND_RESULT_NOT_FOUND
local DENIED = nauthilus_builtin.BACKEND_RESULT_DENIED
local CODES = { ok = OK, not_found = NOT_FOUND or ERROR, denied = DENIED or ERROR }

local function post(name, fields)
  if URL == nil or TOKEN == nil then return nil, "MOONLATCH_HTTP_URL or MOONLATCH_HTTP_TOKEN is not set, or not in allow.env" end
  local response, err = http.post(URL .. "/" .. name, {
    headers = { ["Content-Type"] = "application/json", Authorization = "Bearer " .. TOKEN },
    body = json.encode(fields),
    timeout = TIMEOUT,
  })
  if err ~= nil then return nil, err end
  if response.status_code ~= 200 then return nil, "the service answers with status " .. response.status_code end
  -- The decoder's own message may quote the answer.
  local answer = json.decode(response.body)
  if type(answer) ~= "table" or CODES[answer.result] == nil then return nil, "the service's answer has no known result" end
  return answer
end

-- A result code, and the answer when there is one. Failures are logged here.
local function ask(request, name, fields)
  fields.session = request.session
  if name ~= "list_accounts" then fields.username = request.username end
  local answer, err = post(name, fields)
  if answer == nil then
    util.log_error(request.logging, { script = "http.lua", ["function"] = name, session = request.session }, err)
    return ERROR
  end
  return CODES[answer.result], answer
end

-- A list of texts, or ERROR.
local function list(request, name, field)
  local code, answer = ask(request, name, {})
  if code ~= OK then return code end
  if type(answer[field]) == "table" then return OK, answer[field] end
  util.log_error(request.logging, { script = "http.lua", ["function"] = name, session = request.session }, "the service's answer has no " .. field)
  return ERROR
end

---@param request BackendRequest
function nauthilus_backend_verify_password(request)
  local code, answer = ask(request, "verify_password", {
    password = request.password, no_auth = request.no_auth, protocol = request.protocol, oidc_cid = request.oidc_cid,
    saml_entity_id = request.saml_entity_id, client_ip = request.client_ip,
  })
  -- Where the code for it is missing, a result that says nothing about anyone refuses too.
  if answer ~= nil and code ~= OK and NOT_FOUND == nil then return OK, nauthilus_backend_result.new() end
  if code ~= OK then return code end

  local account = nauthilus_backend_result.new()
  account:user_found(true)
  account:authenticated(answer.authenticated == true and not request.no_auth)
  account:account_field("account")
  account:unique_user_id_field("unique_id")
  account:display_name_field("display_name")
  account:totp_secret_field("totp_secret")
  account:totp_recovery_field("recovery_codes")
  account:attributes(type(answer.attributes) == "table" and answer.attributes or { account = "" })
  return OK, account
end

---@param request BackendRequest
function nauthilus_backend_list_accounts(request)
  return list(request, "list_accounts", "accounts")
end

---@param request BackendRequest
function nauthilus_backend_add_totp(request)
  return (ask(request, "add_totp", { totp_secret = request.totp_secret }))
end

---@param request BackendRequest
function nauthilus_backend_delete_totp(request)
  return (ask(request, "delete_totp", {}))
end

-- The list replaces the one before.
---@param request BackendRequest
function nauthilus_backend_add_totp_recovery_codes(request)
  return (ask(request, "add_totp_recovery_codes", { totp_recovery_codes = request.totp_recovery_codes or {} }))
end

---@param request BackendRequest
function nauthilus_backend_delete_totp_recovery_codes(request)
  return (ask(request, "delete_totp_recovery_codes", {}))
end

---@param request BackendRequest
function nauthilus_backend_get_webauthn_credentials(request)
  return list(request, "get_webauthn_credentials", "credentials")
end

---@param request BackendRequest
function nauthilus_backend_save_webauthn_credential(request)
  return (ask(request, "save_webauthn_credential", { webauthn_credential = request.webauthn_credential }))
end

---@param request BackendRequest
function nauthilus_backend_delete_webauthn_credential(request)
  return (ask(request, "delete_webauthn_credential", { webauthn_credential = request.webauthn_credential }))
end

---@param request BackendRequest
function nauthilus_backend_update_webauthn_credential(request)
  return (ask(request, "update_webauthn_credential", {
    webauthn_old_credential = request.webauthn_old_credential, webauthn_credential = request.webauthn_credential,
  }))
end
