import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { BACKEND_FUNCTIONS } from "../../src/backend/index.ts";
import { Secret } from "../../src/kernel/index.ts";
import { expectWhole, kitOn } from "../support/kit.ts";
import { BASE, type LdapServer, person, SERVICE, startLdap } from "../support/ldap-server.ts";
import { CONTEXT, startBackend, type TestBackend } from "../support/lua.ts";

const SCRIPT = fileURLToPath(new URL("../../lua/ldap.lua", import.meta.url));

let server: LdapServer;
let backend: TestBackend;

before(async () => {
  const names = ["demo", "editor", "factors", "codes", "keys", "races", "twin", "b(o)b"];
  server = await startLdap(
    `${names.map((name) => person(name, "right")).join("\n")}
${person("contract", "right-password")}
${person("other", "right").replace("other@", "twin@")}`,
  );
  backend = await startBackend(
    "",
    {
      allow: {
        ldap: {
          default: {
            url: `ldap://localhost:${server.port}`,
            starttls: true,
            ca_file: server.authority,
            bind_dn: SERVICE.dn,
            bind_password: new Secret(SERVICE.password),
            connections: 4,
          },
        },
      },
      environment: { MOONLATCH_LDAP_BASE: BASE },
    },
    SCRIPT,
  );
});
after(async () => {
  await backend.stop();
  await server.stop();
});

const key = (name: string) => ({ name, backend: "default", unique_user_id: "" });
const signIn = (name: string, password = "right") =>
  backend.accounts.verifyPassword(name, new Secret(password), CONTEXT);
const accountOf = async (name: string) => {
  const found = await backend.accounts.lookup(name, CONTEXT);
  return found.code === "found" ? found.account : assert.fail(found.code);
};
const credentialsOf = async (name: string) => {
  const listed = await backend.accounts.webauthnCredentials(key(name), CONTEXT);
  return listed.code === "ok" ? listed.values : assert.fail(listed.code);
};
const codesOf = async (name: string) => (await accountOf(name)).recovery_codes.map((code) => code.expose()).toSorted();
const secrets = (...texts: readonly string[]) => texts.map((text) => new Secret(text));

test("the script has every function of the contract", () => {
  assert.deepEqual(new Set(backend.functions().get("default")), new Set(Object.keys(BACKEND_FUNCTIONS)));
});

test("someone signs in by name or mail address with an id that the directory gave", async () => {
  const ids = new Set<string>();
  for (const name of ["demo", "demo@example.org"]) {
    const outcome = await signIn(name);
    if (outcome.code !== "accepted") assert.fail(outcome.code);
    const { name: account, unique_user_id, display_name, attributes } = outcome.account;
    assert.deepEqual([account, display_name, attributes["mail"]], ["demo", "Person demo", ["demo@example.org"]]);
    ids.add(unique_user_id ?? "");
  }
  assert.match([...ids].join(), /^[0-9a-f-]{36}$/);
  assert.equal((await signIn("b(o)b")).code, "accepted");
});

test("the contract kit finds nothing", async () => {
  expectWhole(await kitOn(backend, { account: "contract", password: "right-password" }));
});

test("nobody else is let in", async () => {
  for (const [name, password] of [
    ["demo", "wrong"],
    ["demo", "RIGHT"],
    ["demo", "right\u0000"],
    ["nobody", "right"],
    ["*", "right"],
    ["de*", "right"],
    ["demo)(uid=*", "right"],
    ["demo\u0000", "right"],
    [`uid=demo,${BASE}`, "right"],
    ["Zoë 🔑".repeat(50), "right"],
  ] as const)
    assert.equal((await signIn(name, password)).code, "rejected", name);
});

test("a name that means two people is nobody's, and a lookup knows no mail addresses", async () => {
  assert.equal((await signIn("twin@example.org")).code, "unavailable");
  assert.equal((await signIn("twin")).code, "accepted");
  assert.deepEqual(await backend.accounts.lookup("demo@example.org", CONTEXT), { code: "not_found" });
});

test("the list has every account", async () => {
  const listed = await backend.accounts.listAccounts(CONTEXT);
  assert.equal(listed.code, "ok");
  assert.equal(listed.code === "ok" && listed.values.length, 10);
});

test("an authenticator app and recovery codes are kept, replaced and removed, and are no attributes", async () => {
  const { accounts } = backend;
  assert.deepEqual(await accounts.deleteTotp(key("factors"), CONTEXT), { code: "ok" });
  assert.deepEqual(await accounts.addTotp(key("factors"), new Secret("FIRST"), CONTEXT), { code: "ok" });
  assert.deepEqual(await accounts.addTotp(key("factors"), new Secret("KRSXG5A"), CONTEXT), { code: "ok" });
  await accounts.addRecoveryCodes(key("factors"), secrets("aaaa", "bbbb"), CONTEXT);
  const { totp_secret, attributes } = await accountOf("factors");
  assert.equal(totp_secret?.expose(), "KRSXG5A");
  assert.doesNotMatch(JSON.stringify(attributes), /KRSXG5A|aaaa/);
  assert.deepEqual(await codesOf("factors"), ["aaaa", "bbbb"]);
  await accounts.addRecoveryCodes(key("factors"), secrets("bbbb"), CONTEXT);
  assert.deepEqual(await codesOf("factors"), ["bbbb"]);
  assert.deepEqual(await accounts.addRecoveryCodes(key("factors"), [], CONTEXT), { code: "ok" });
  assert.deepEqual(await codesOf("factors"), []);
  assert.deepEqual(await accounts.deleteTotp(key("factors"), CONTEXT), { code: "ok" });
  assert.equal((await accountOf("factors")).totp_secret, undefined);
});

test("the first factor of an entry may be any of them", async () => {
  assert.deepEqual(await backend.accounts.addRecoveryCodes(key("codes"), secrets("a"), CONTEXT), { code: "ok" });
  assert.deepEqual(await backend.accounts.deleteRecoveryCodes(key("codes"), CONTEXT), { code: "ok" });
  assert.deepEqual(await codesOf("codes"), []);
});

test("credentials are kept byte for byte, and changed by their exact text", async () => {
  const { accounts } = backend;
  const [first, second, third] = [
    `{ "signCount" : 1.0, "id":"b==" , "id":"twice"}`,
    `{"name":"Schlüssel \\u00fc 🔑","big":9007199254740993}`,
    `{"attestation":"${"A".repeat(8_000)}"}`,
  ];
  for (const credential of [first, second, third, first])
    assert.deepEqual(await accounts.saveWebauthnCredential(key("keys"), credential, CONTEXT), { code: "ok" });
  assert.deepEqual(new Set(await credentialsOf("keys")), new Set([first, second, third]));
  assert.deepEqual(await credentialsOf("editor"), []);
  assert.deepEqual(await accounts.updateWebauthnCredential(key("keys"), second, "new", CONTEXT), { code: "ok" });
  assert.deepEqual(await accounts.deleteWebauthnCredential(key("keys"), third, CONTEXT), { code: "ok" });
  assert.deepEqual(new Set(await credentialsOf("keys")), new Set([first, "new"]));
  for (const gone of [second, `${first} `, first.toUpperCase()]) {
    assert.deepEqual(await accounts.updateWebauthnCredential(key("keys"), gone, "x", CONTEXT), { code: "not_found" });
    assert.deepEqual(await accounts.deleteWebauthnCredential(key("keys"), gone, CONTEXT), { code: "not_found" });
  }
  assert.deepEqual(await accounts.updateWebauthnCredential(key("keys"), first, "new", CONTEXT), { code: "ok" });
  assert.deepEqual(await credentialsOf("keys"), ["new"]);
});

test("of 8 changes of one credential at once exactly one takes place", async () => {
  await backend.accounts.saveWebauthnCredential(key("races"), "old", CONTEXT);
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, (_, n) =>
      backend.accounts.updateWebauthnCredential(key("races"), "old", `new ${n}`, CONTEXT),
    ),
  );
  assert.equal(outcomes.filter(({ code }) => code === "ok").length, 1);
  assert.equal((await credentialsOf("races")).length, 1);
});

test("nothing is written for an account that is not there", async () => {
  const { accounts } = backend;
  for (const outcome of [
    await accounts.addTotp(key("nobody"), new Secret("S"), CONTEXT),
    await accounts.deleteTotp(key("*"), CONTEXT),
    await accounts.addRecoveryCodes(key("nobody"), secrets("a"), CONTEXT),
    await accounts.deleteRecoveryCodes(key("nobody"), CONTEXT),
    await accounts.saveWebauthnCredential(key("nobody"), "{}", CONTEXT),
    await accounts.deleteWebauthnCredential(key("nobody"), "{}", CONTEXT),
    await accounts.updateWebauthnCredential(key("nobody"), "{}", "[]", CONTEXT),
  ])
    assert.deepEqual(outcome, { code: "not_found" });
});

test("without its server the backend is unavailable and never says no, and with it goes on", async () => {
  await server.kill();
  assert.equal((await signIn("demo")).code, "unavailable");
  assert.equal((await signIn("nobody")).code, "unavailable");
  await server.start();
  assert.equal((await signIn("demo")).code, "accepted");
  assert.doesNotMatch(backend.log.join(), /right/);
});
