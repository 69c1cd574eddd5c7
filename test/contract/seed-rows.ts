import assert from "node:assert/strict";
import { Secret } from "../../src/kernel/index.ts";
import { CONTEXT, type TestBackend } from "../support/lua.ts";

/** A backend that answers by the user's name. The page's own example stands unchanged inside. */
export const SCRIPT = `
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

/** One row of the documented backend contract, and what shows that it holds. */
export interface SeedRow {
  /** The heading it stands under. */
  readonly section: string;
  readonly says: string;
  readonly holds: (backend: TestBackend) => Promise<void>;
}

const KEY = { name: "example", backend: "default", unique_user_id: undefined };
const SAML = { ...CONTEXT, protocol: "saml", oidc_cid: "", saml_entity_id: "https://sp.example.org" } as const;
const heard = (backend: TestBackend, text: string): void =>
  assert.ok(
    backend.log.some((line) => line.includes(text)),
    text,
  );
const ask = (backend: TestBackend, context: typeof CONTEXT = CONTEXT) =>
  backend.accounts.verifyPassword("notfound", new Secret("typed"), context);

const VERIFY = "nauthilus_backend_verify_password";
const LIST = "nauthilus_backend_list_accounts";
const TOTP = "TOTP Management";
const RECOVERY = "Recovery Codes";
const WEBAUTHN = "WebAuthn (FIDO2) Management";
const CODES = "Return Codes";

export const SEED_ROWS: readonly SeedRow[] = [
  {
    section: VERIFY,
    says: "`username`: the username provided by the user",
    async holds(backend) {
      await ask(backend);
      heard(backend, "notfound|");
    },
  },
  {
    section: VERIFY,
    says: "`password`: the password provided by the user, empty if `no_auth` is true",
    async holds(backend) {
      await ask(backend);
      heard(backend, "notfound|typed|");
      await backend.accounts.lookup("denied", CONTEXT);
      heard(backend, "denied||oidc|true|");
    },
  },
  {
    section: VERIFY,
    says: "`protocol`: the protocol being used",
    async holds(backend) {
      await ask(backend);
      heard(backend, "notfound|typed|oidc|");
      await ask(backend, SAML);
      heard(backend, "notfound|typed|saml|");
    },
  },
  {
    section: VERIFY,
    says: "`no_auth`: if true, only user lookup and attribute retrieval, skipping password verification",
    async holds(backend) {
      await ask(backend);
      heard(backend, "notfound|typed|oidc|false|");
      const found = await backend.accounts.lookup("example", CONTEXT);
      assert.equal(found.code, "found");
    },
  },
  {
    section: VERIFY,
    says: "`oidc_cid`: the OIDC client id, if applicable",
    async holds(backend) {
      await ask(backend);
      heard(backend, "notfound|typed|oidc|false|wiki|");
    },
  },
  {
    section: VERIFY,
    says: "`saml_entity_id`: the SAML entity id, if applicable",
    async holds(backend) {
      await ask(backend, SAML);
      heard(backend, "notfound|typed|saml|false||https://sp.example.org");
    },
  },
  {
    section: VERIFY,
    says: "returns a result code and a result object with authentication status and attributes",
    async holds(backend) {
      const outcome = await backend.accounts.verifyPassword("example", new Secret("x"), CONTEXT);
      assert.ok(outcome.code === "accepted");
      assert.equal(outcome.account.attributes["mail"]?.[0], "user@example.com");
    },
  },
  {
    section: LIST,
    says: "returns a result code and a simple list of strings containing usernames",
    async holds(backend) {
      assert.deepEqual(await backend.accounts.listAccounts(CONTEXT), { code: "ok", values: ["example", "other"] });
    },
  },
  {
    section: TOTP,
    says: "`add_totp`: `username`, `totp_secret`",
    async holds(backend) {
      assert.deepEqual(await backend.accounts.addTotp(KEY, new Secret("SECRET"), CONTEXT), { code: "ok" });
      heard(backend, "example|add_totp|SECRET");
    },
  },
  {
    section: TOTP,
    says: "`delete_totp`: `username`",
    async holds(backend) {
      assert.deepEqual(await backend.accounts.deleteTotp(KEY, CONTEXT), { code: "ok" });
      heard(backend, "example|delete_totp");
    },
  },
  {
    section: RECOVERY,
    says: "`add_totp_recovery_codes`: `username`, `totp_recovery_codes` as a list of strings",
    async holds(backend) {
      await backend.accounts.addRecoveryCodes(KEY, [new Secret("one"), new Secret("two")], CONTEXT);
      heard(backend, "example|codes|one|two");
    },
  },
  {
    section: RECOVERY,
    says: "`delete_totp_recovery_codes`: `username`",
    async holds(backend) {
      await backend.accounts.deleteRecoveryCodes(KEY, CONTEXT);
      heard(backend, "example|delete_codes");
    },
  },
  {
    section: WEBAUTHN,
    says: "`get_webauthn_credentials`: returns a result code and a list of JSON strings, kept byte for byte",
    async holds(backend) {
      const listed = await backend.accounts.webauthnCredentials(KEY, CONTEXT);
      assert.deepEqual(listed, { code: "ok", values: [' {"id":"1"}\n'] });
    },
  },
  {
    section: WEBAUTHN,
    says: "`save_webauthn_credential`: `username`, `webauthn_credential` as JSON",
    async holds(backend) {
      await backend.accounts.saveWebauthnCredential(KEY, '{"n":1}', CONTEXT);
      heard(backend, 'example|save|{\\"n\\":1}');
    },
  },
  {
    section: WEBAUTHN,
    says: "`delete_webauthn_credential`: `webauthn_credential` is the exact JSON string to delete",
    async holds(backend) {
      await backend.accounts.deleteWebauthnCredential(KEY, ' {"n": 1}', CONTEXT);
      heard(backend, 'example|delete| {\\"n\\": 1}');
    },
  },
  {
    section: WEBAUTHN,
    says: "`update_webauthn_credential`: `webauthn_old_credential`, `webauthn_credential`",
    async holds(backend) {
      await backend.accounts.updateWebauthnCredential(KEY, '{"n":1}', '{"n":2}', CONTEXT);
      heard(backend, 'example|update|{\\"n\\":1}|{\\"n\\":2}');
    },
  },
  ...(
    [
      ["BACKEND_RESULT_OK", "example", "found", "operation completed successfully"],
      ["BACKEND_RESULT_ERROR", "error", "unavailable", "a generic error occurred"],
      ["BACKEND_RESULT_NOT_FOUND", "notfound", "not_found", "the user or resource was not found"],
      ["BACKEND_RESULT_DENIED", "denied", "denied", "access was explicitly denied"],
    ] as const
  ).map(
    ([code, username, outcome, meaning]): SeedRow => ({
      section: CODES,
      says: `\`${code}\`: ${meaning}`,
      async holds(backend) {
        assert.equal((await backend.accounts.lookup(username, CONTEXT)).code, outcome);
      },
    }),
  ),
  {
    section: "Example Backend Result",
    says: "the page's own example signs its user in with the attributes it names",
    async holds(backend) {
      const outcome = await backend.accounts.verifyPassword("example", new Secret("x"), CONTEXT);
      assert.ok(outcome.code === "accepted");
      assert.equal(outcome.account.name, "example");
      const attributes = { ...outcome.account.attributes };
      assert.deepEqual(attributes, { mail: ["user@example.com"], display_name: ["John Doe"] });
      heard(backend, 'there is no attribute \\"account\\"');
    },
  },
];

/** The rows as a page of the documentation. */
export function contractPage(): string {
  const rows = SEED_ROWS.map(({ section, says }) => `| ${section} | ${says} |`);
  return `# The documented backend contract

What the public documentation of the backend contract promises to script authors, row by row. Each row is a test of its own
(\`test/contract/seed.test.ts\`); this page is generated from them (\`npm run docs\`), and a test holds that it is up to date.

| Under | It says |
|---|---|
${rows.join("\n")}
`;
}
