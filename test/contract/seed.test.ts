import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Secret } from "../../src/kernel/index.ts";
import { CONTEXT, startBackend, type TestBackend } from "../support/lua.ts";

// One test per row of the documented backend contract that this version serves. The page's own example stands unchanged inside.
const SCRIPT = `
function nauthilus_backend_verify_password(request)
  if request.username ~= "example" then
    print(request.username .. "|" .. request.password .. "|" .. request.protocol .. "|" .. tostring(request.no_auth) .. "|" .. request.oidc_cid .. "|" .. request.saml_entity_id)
    local codes = { notfound = nauthilus_builtin.BACKEND_RESULT_NOT_FOUND, denied = nauthilus_builtin.BACKEND_RESULT_DENIED, error = nauthilus_builtin.BACKEND_RESULT_ERROR }
    return codes[request.username]
  end
local b = nauthilus_backend_result.new()
b:authenticated(true)
b:user_found(true)
b:account_field("account")
b:attributes({
mail = "user@example.com",
display_name = "John Doe"
})
return nauthilus_builtin.BACKEND_RESULT_OK, b
end

function nauthilus_backend_list_accounts()
  return nauthilus_builtin.BACKEND_RESULT_OK, { "example", "other" }
end

local function note(request, ...) print(table.concat({ request.username, ... }, "|")) return nauthilus_builtin.BACKEND_RESULT_OK end
function nauthilus_backend_add_totp(request) return note(request, "add_totp", request.totp_secret) end
function nauthilus_backend_delete_totp(request) return note(request, "delete_totp") end
function nauthilus_backend_add_totp_recovery_codes(request) return note(request, "codes", unpack(request.totp_recovery_codes)) end
function nauthilus_backend_delete_totp_recovery_codes(request) return note(request, "delete_codes") end
function nauthilus_backend_get_webauthn_credentials(request) return nauthilus_builtin.BACKEND_RESULT_OK, { ' {"id":"1"}\\n' } end
function nauthilus_backend_save_webauthn_credential(request) return note(request, "save", request.webauthn_credential) end
function nauthilus_backend_delete_webauthn_credential(request) return note(request, "delete", request.webauthn_credential) end
function nauthilus_backend_update_webauthn_credential(request) return note(request, "update", request.webauthn_old_credential, request.webauthn_credential) end`;

let backend: TestBackend;
before(async () => {
  backend = await startBackend(SCRIPT);
});
after(() => backend.stop());

const KEY = { name: "example", backend: "default", unique_user_id: undefined };
const said = (text: string) => backend.log.some((line) => line.includes(text));

test("the page's own example result signs its user in with the attributes it names", async () => {
  const outcome = await backend.accounts.verifyPassword("example", new Secret("x"), CONTEXT);
  assert.ok(outcome.code === "accepted");
  assert.equal(outcome.account.name, "example");
  assert.deepEqual({ ...outcome.account.attributes }, { mail: ["user@example.com"], display_name: ["John Doe"] });
  assert.ok(said('there is no attribute \\"account\\"'));
});

test("request.username, password, protocol, no_auth and oidc_cid reach verify_password", async () => {
  await backend.accounts.verifyPassword("notfound", new Secret("typed"), CONTEXT);
  assert.ok(said("notfound|typed|oidc|false|wiki|"));
});

test("request.saml_entity_id reaches verify_password, with oidc_cid empty", async () => {
  await backend.accounts.verifyPassword("notfound", new Secret("typed"), {
    ...CONTEXT,
    protocol: "saml",
    oidc_cid: "",
    saml_entity_id: "https://sp.example.org",
  });
  assert.ok(said("notfound|typed|saml|false||https://sp.example.org"));
});

test("a lookup has no_auth set and an empty password", async () => {
  await backend.accounts.lookup("denied", CONTEXT);
  assert.ok(said("denied||oidc|true|wiki|"));
});

test("BACKEND_RESULT_NOT_FOUND, DENIED and ERROR are told apart", async () => {
  const lookups = await Promise.all(
    ["notfound", "denied", "error"].map((name) => backend.accounts.lookup(name, CONTEXT)),
  );
  assert.deepEqual(
    lookups.map(({ code }) => code),
    ["not_found", "denied", "unavailable"],
  );
});

test("list_accounts returns a simple list of strings", async () => {
  assert.deepEqual(await backend.accounts.listAccounts(CONTEXT), { code: "ok", values: ["example", "other"] });
});

test("the functions for second factors get their documented fields", async () => {
  const { accounts } = backend;
  await accounts.addTotp(KEY, new Secret("SECRET"), CONTEXT);
  await accounts.deleteTotp(KEY, CONTEXT);
  await accounts.addRecoveryCodes(KEY, [new Secret("one"), new Secret("two")], CONTEXT);
  await accounts.deleteRecoveryCodes(KEY, CONTEXT);
  await accounts.saveWebauthnCredential(KEY, '{"n":1}', CONTEXT);
  await accounts.deleteWebauthnCredential(KEY, '{"n":1}', CONTEXT);
  await accounts.updateWebauthnCredential(KEY, '{"n":1}', '{"n":2}', CONTEXT);
  assert.deepEqual(await accounts.webauthnCredentials(KEY, CONTEXT), { code: "ok", values: [' {"id":"1"}\n'] });
  const lines = [
    "example|add_totp|SECRET",
    "example|delete_totp",
    "example|codes|one|two",
    "example|delete_codes",
    'example|save|{\\"n\\":1}',
    'example|delete|{\\"n\\":1}',
    'example|update|{\\"n\\":1}|{\\"n\\":2}',
  ];
  for (const line of lines) assert.ok(said(line), line);
});
