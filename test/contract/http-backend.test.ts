import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { BACKEND_FUNCTIONS } from "../../src/backend/index.ts";
import { Secret } from "../../src/kernel/index.ts";
import { type AccountsService, startAccountsService } from "../support/accounts-service.ts";
import { CONTEXT, startBackend, type TestBackend } from "../support/lua.ts";
import { bodyOf, startWebServer, type WebServer } from "../support/web-server.ts";

const SCRIPT = fileURLToPath(new URL("../../lua/http.lua", import.meta.url));
const DEMO = { name: "demo", backend: "default", unique_user_id: "id-demo" };
/** Each would be another text after it was parsed and written again, or cut at a byte. */
const CREDENTIALS = ['{ "b":1.0,"a":"\\u00e4 <&>" }', '{"name":"\u00e4 \u{1f511} \\" \\\\ \u0000"}', "[]", "null"];

let service: AccountsService;
let backend: TestBackend;

/** A backend whose service answers whatever a test wants. */
let broken: { readonly backend: TestBackend; readonly server: WebServer; reply: (response: ServerResponse) => void };

before(async () => {
  service = await startAccountsService();
  backend = await start(service.url, service.token);
  const server = await startWebServer((request, response) => void bodyOf(request).then(() => broken.reply(response)));
  const other = await start(`http://localhost:${server.port}`, "token-of-the-service");
  broken = { backend: other, server, reply: () => undefined };
});
after(async () => {
  await Promise.all([backend.stop(), broken.backend.stop()]);
  await Promise.all([service.close(), broken.server.close()]);
});
beforeEach(() => {
  service.asked.length = 0;
  service.accounts.clear();
  service.accounts.set("demo", {
    password: "right \u00e4",
    unique_id: "id-demo",
    display_name: "D\u00e9mo",
    mail: "demo@example.org",
    groups: ["staff", "editors"],
    credentials: [],
  });
});

const start = (url: string, token: string, source = "") =>
  startBackend(
    source,
    { allow: { hosts: ["localhost"] }, environment: { MOONLATCH_HTTP_URL: url, MOONLATCH_HTTP_TOKEN: token } },
    source === "" ? SCRIPT : undefined,
  );
const signIn = (name: string, password: string, of = backend) =>
  of.accounts.verifyPassword(name, new Secret(password), CONTEXT);

test("the service is asked for each of the ten functions, and each has an answer", async () => {
  assert.deepEqual(
    [...(backend.functions().get("default") ?? [])].toSorted(),
    Object.keys(BACKEND_FUNCTIONS).toSorted(),
  );
  const { accounts } = backend;
  const secret = new Secret("JBSWY3DPEHPK3PXP");
  const outcomes = [
    await signIn("demo", "right \u00e4"),
    await accounts.listAccounts(CONTEXT),
    await accounts.addTotp(DEMO, secret, CONTEXT),
    await accounts.deleteTotp(DEMO, CONTEXT),
    await accounts.addRecoveryCodes(DEMO, [new Secret("aaaa"), new Secret("bbbb")], CONTEXT),
    await accounts.deleteRecoveryCodes(DEMO, CONTEXT),
    await accounts.webauthnCredentials(DEMO, CONTEXT),
    await accounts.saveWebauthnCredential(DEMO, "{}", CONTEXT),
    await accounts.updateWebauthnCredential(DEMO, "{}", "[]", CONTEXT),
    await accounts.deleteWebauthnCredential(DEMO, "[]", CONTEXT),
  ];
  assert.deepEqual(
    outcomes.map(({ code }) => code),
    ["accepted", ...Array.from({ length: 9 }, () => "ok")],
  );
  const common = { username: "demo", session: "ref-1" };
  assert.deepEqual(service.asked, [
    {
      path: "/verify_password",
      fields: {
        ...common,
        password: "right \u00e4",
        no_auth: false,
        protocol: "oidc",
        oidc_cid: "wiki",
        saml_entity_id: "",
        client_ip: "192.0.2.1",
      },
    },
    { path: "/list_accounts", fields: { session: "ref-1" } },
    { path: "/add_totp", fields: { ...common, totp_secret: "JBSWY3DPEHPK3PXP" } },
    { path: "/delete_totp", fields: common },
    { path: "/add_totp_recovery_codes", fields: { ...common, totp_recovery_codes: ["aaaa", "bbbb"] } },
    { path: "/delete_totp_recovery_codes", fields: common },
    { path: "/get_webauthn_credentials", fields: common },
    { path: "/save_webauthn_credential", fields: { ...common, webauthn_credential: "{}" } },
    {
      path: "/update_webauthn_credential",
      fields: { ...common, webauthn_old_credential: "{}", webauthn_credential: "[]" },
    },
    { path: "/delete_webauthn_credential", fields: { ...common, webauthn_credential: "[]" } },
  ]);
});

test("an account has what the service says, with its factors apart from its attributes", async () => {
  const served = service.accounts.get("demo") ?? assert.fail();
  Object.assign(served, { totp_secret: "S", recovery_codes: ["aaaa", "bbbb"] });
  const found = await backend.accounts.lookup("demo", CONTEXT);
  assert.equal(found.code, "found");
  const { totp_secret, recovery_codes, ...rest } = found.code === "found" ? found.account : assert.fail();
  assert.deepEqual([totp_secret?.expose(), recovery_codes.map((code) => code.expose())], ["S", ["aaaa", "bbbb"]]);
  assert.deepEqual(rest, {
    name: "demo",
    backend: "default",
    unique_user_id: "id-demo",
    display_name: "D\u00e9mo",
    attributes: {
      account: ["demo"],
      unique_id: ["id-demo"],
      display_name: ["D\u00e9mo"],
      mail: ["demo@example.org"],
      groups: ["staff", "editors"],
    },
    groups: ["staff", "editors"],
    group_dns: [],
  });
});

test("a wrong password, an unknown user and a disabled account are rejections", async () => {
  const because = async (name: string, password: string) => {
    const outcome = await signIn(name, password);
    return outcome.code === "rejected" ? outcome.because : outcome.code;
  };
  assert.equal(await because("demo", "right"), "wrong_password");
  assert.equal(await because("nobody", "right \u00e4"), "not_found");
  Object.assign(service.accounts.get("demo") ?? {}, { disabled: true });
  assert.equal(await because("demo", "right \u00e4"), "denied");
  assert.equal(await because("demo", "wrong"), "wrong_password");
  assert.deepEqual(await backend.accounts.lookup("demo", CONTEXT), { code: "denied", message: undefined });
});

test("credentials come back byte for byte, and nothing is written for an account that does not exist", async () => {
  const { accounts } = backend;
  for (const credential of CREDENTIALS) await accounts.saveWebauthnCredential(DEMO, credential, CONTEXT);
  assert.deepEqual(await accounts.webauthnCredentials(DEMO, CONTEXT), { code: "ok", values: CREDENTIALS });
  const nobody = { ...DEMO, name: "nobody" };
  assert.deepEqual(await accounts.addTotp(nobody, new Secret("S"), CONTEXT), { code: "not_found" });
  assert.deepEqual(await accounts.updateWebauthnCredential(DEMO, "other", "{}", CONTEXT), { code: "not_found" });
  assert.deepEqual(await accounts.addRecoveryCodes(DEMO, [], CONTEXT), { code: "ok" });
  assert.deepEqual(service.accounts.get("demo")?.recovery_codes, []);
});

const SOUND = '{"result":"ok","authenticated":true,"attributes":{"account":"demo"},"credentials":[]}';
const says =
  (text: string, status = 200) =>
  (response: ServerResponse): void =>
    void response.writeHead(status).end(text);
for (const [what, reply] of [
  ["status 500", says(SOUND, 500)],
  ["status 201", says(SOUND, 201)],
  ["an answer that is not JSON", says("<html>secret")],
  ["no object", says('"ok"')],
  ["an unknown result", says('{"result":"fine","authenticated":true}')],
  ["no account", says('{"result":"ok","authenticated":true}')],
  ["an empty account", says('{"result":"ok","authenticated":true,"attributes":{"account":""}}')],
  ["a closed connection", (response: ServerResponse): void => void response.destroy()],
] as const) {
  test(`a service that gives ${what} is a failure and neither a sign-in nor a wrong password`, async () => {
    broken.reply = reply;
    broken.backend.log.length = 0;
    assert.equal((await signIn("demo", "s3cret", broken.backend)).code, "unavailable");
    assert.equal((await broken.backend.accounts.lookup("demo", CONTEXT)).code, "unavailable");
    assert.equal((await broken.backend.accounts.webauthnCredentials(DEMO, CONTEXT)).code, "unavailable");
    const log = broken.backend.log.join("\n");
    assert.doesNotMatch(log, /s3cret|token-of|html/);
    assert.match(log, /http\.lua.*(?:status [25]|no known result|no credentials|was closed)/);
  });
}

test("a text for authenticated signs nobody in", async () => {
  broken.reply = says('{"result":"ok","authenticated":"true","attributes":{"account":"demo"}}');
  assert.equal((await signIn("demo", "x", broken.backend)).code, "rejected");
});

test("without its host granted, or on a host that knows only OK and FAIL, nothing becomes a success", async () => {
  const ungranted = await startBackend(
    "",
    { environment: { MOONLATCH_HTTP_URL: service.url, MOONLATCH_HTTP_TOKEN: service.token } },
    SCRIPT,
  );
  const narrow = "nauthilus_builtin = { BACKEND_RESULT_OK = 0, BACKEND_RESULT_FAIL = 1 }\n";
  const old = await start(service.url, service.token, `${narrow}${readFileSync(SCRIPT, "utf8")}`);
  try {
    assert.equal((await signIn("demo", "right \u00e4", ungranted)).code, "unavailable");
    assert.match(ungranted.log.join("\n"), /add \\+"localhost:\d+\\+" to allow\.hosts of this backend/);
    assert.equal((await signIn("demo", "right \u00e4", old)).code, "accepted");
    assert.equal((await signIn("demo", "wrong", old)).code, "rejected");
    assert.equal((await signIn("nobody", "wrong", old)).code, "rejected");
    const nobody = { ...DEMO, name: "nobody" };
    assert.equal((await old.accounts.addTotp(nobody, new Secret("S"), CONTEXT)).code, "unavailable");
  } finally {
    await ungranted.stop();
    await old.stop();
  }
});
