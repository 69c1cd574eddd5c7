import assert from "node:assert/strict";
import { generateSync } from "otplib";
import type { Visit, Visitor } from "./browser.ts";

/**
 * A backend that keeps everything in a cache and writes down every call with its arguments. People called `broken…` have factors that
 * cannot be read, the password of everybody is "right". All ten functions.
 */
export const FACTOR_SCRIPT = `
local cache = require("nauthilus_cache")
local B = nauthilus_builtin
local function note(name, request, more)
  print("spy " .. name .. " user=" .. request.username .. " cid=" .. request.oidc_cid .. " entity=" .. request.saml_entity_id .. " protocol=" .. request.protocol .. (more or ""))
end
local function get(key) return cache.cache_get(key) end
local function set(key, value) cache.cache_set(key, value) end
function nauthilus_backend_verify_password(request)
  note("verify_password", request, " no_auth=" .. tostring(request.no_auth))
  if request.username == "nobody" then return B.BACKEND_RESULT_NOT_FOUND end
  if request.username == "brokenlookup" and request.no_auth then error("the database is down") end
  local b = nauthilus_backend_result.new()
  b:user_found(true)
  b:authenticated(request.password == "right")
  b:account_field("account")
  b:unique_user_id_field("uid")
  b:display_name_field("name")
  b:totp_secret_field("totp")
  b:totp_recovery_field("codes")
  b:attributes({ account = request.username, uid = "u-" .. request.username, name = "Name of " .. request.username,
    mail = request.username .. "@example.org", groups = { "staff" }, totp = get("totp:" .. request.username), codes = get("codes:" .. request.username) })
  return B.BACKEND_RESULT_OK, b
end
function nauthilus_backend_list_accounts(request)
  note("list_accounts", request)
  return B.BACKEND_RESULT_OK, { "demo", "editor" }
end
function nauthilus_backend_add_totp(request)
  note("add_totp", request)
  if request.username == "forgetful" then return B.BACKEND_RESULT_OK end
  set("totp:" .. request.username, request.totp_secret)
  return B.BACKEND_RESULT_OK
end
function nauthilus_backend_delete_totp(request)
  note("delete_totp", request)
  cache.cache_delete("totp:" .. request.username)
  return B.BACKEND_RESULT_OK
end
function nauthilus_backend_add_totp_recovery_codes(request)
  note("add_totp_recovery_codes", request, " count=" .. tostring(#request.totp_recovery_codes))
  set("codes:" .. request.username, table.concat(request.totp_recovery_codes, ","))
  return B.BACKEND_RESULT_OK
end
function nauthilus_backend_delete_totp_recovery_codes(request)
  note("delete_totp_recovery_codes", request)
  cache.cache_delete("codes:" .. request.username)
  return B.BACKEND_RESULT_OK
end
local function keys(request)
  local all = {}
  for raw in string.gmatch(get("keys:" .. request.username) or "", "[^\\n]+") do all[#all + 1] = raw end
  return all
end
local function store(request, all) set("keys:" .. request.username, table.concat(all, "\\n")) end
function nauthilus_backend_get_webauthn_credentials(request)
  note("get_webauthn_credentials", request)
  if request.username == "brokenkeys" then error("the database is down") end
  return B.BACKEND_RESULT_OK, keys(request)
end
function nauthilus_backend_save_webauthn_credential(request)
  note("save_webauthn_credential", request)
  if request.username == "forgetful" then return B.BACKEND_RESULT_OK end
  local all = keys(request)
  all[#all + 1] = request.webauthn_credential
  store(request, all)
  return B.BACKEND_RESULT_OK
end
local function replace(request, old, new)
  local all, kept, found = keys(request), {}, false
  for _, raw in ipairs(all) do
    if raw == old then found = true; if new ~= nil then kept[#kept + 1] = new end else kept[#kept + 1] = raw end
  end
  if not found then return B.BACKEND_RESULT_NOT_FOUND end
  store(request, kept)
  return B.BACKEND_RESULT_OK
end
function nauthilus_backend_delete_webauthn_credential(request)
  note("delete_webauthn_credential", request)
  return replace(request, request.webauthn_credential, nil)
end
function nauthilus_backend_update_webauthn_credential(request)
  note("update_webauthn_credential", request)
  return replace(request, request.webauthn_old_credential, request.webauthn_credential)
end`;

/** The code of an authenticator app now. @param steps how many time steps from now. */
export function totpCode(secret: string, steps = 0, now = Date.now()): string {
  return generateSync({ secret, epoch: Math.floor(now / 1000) + steps * 30 });
}

/** The secret on the page that sets up an authenticator app. */
export function secretOn(page: Visit): string {
  const secret = /<code dir="ltr">([A-Z2-7 ]+)<\/code>/.exec(page.body)?.[1]?.replaceAll(" ", "");
  assert.ok(secret !== undefined, page.body);
  return secret;
}

/** The recovery codes on the page that shows them. */
export function codesOn(page: Visit): readonly string[] {
  return [...page.body.matchAll(/<li><code dir="ltr">([^<]+)<\/code>/g)].map(([, code = ""]) => code);
}

/** Answers the form of a page. */
export function reply(visitor: Visitor, page: Visit, fields: Readonly<Record<string, string>>): Promise<Visit> {
  return visitor.post(page.url, { csrf: page.field("csrf"), ...fields });
}
