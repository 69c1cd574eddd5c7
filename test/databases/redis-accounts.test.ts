import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { BACKEND_FUNCTIONS } from "../../src/backend/index.ts";
import { Secret } from "../../src/kernel/index.ts";
import { hashPassword } from "../../src/lua/index.ts";
import { expectWhole, kitOn } from "../support/kit.ts";
import { CONTEXT, startBackend, type TestBackend } from "../support/lua.ts";
import { type RedisServer, standalone, startRedis } from "../support/redis-server.ts";

const SCRIPT = fileURLToPath(new URL("../../lua/redis.lua", import.meta.url));

let server: RedisServer;
let backend: TestBackend;
let hash: string;

before(async () => {
  hash = await hashPassword("right");
  server = await startRedis(standalone);
  const pool = { mode: "standalone", servers: [server.address], database: 0, tls: false } as const;
  backend = await startBackend("", { allow: { redis: { default: pool } }, environment: {} }, SCRIPT);
});
after(async () => {
  await backend.stop();
  await server.stop();
});
beforeEach(() => {
  server.cli("flushall");
  add("demo", "groups", "staff");
  add("editor", "groups", "staff,editors");
  server.cli("set", "moonlatch:mail:demo@example.org", "demo");
});

function add(name: string, ...more: readonly string[]): void {
  const fields = [
    "username",
    name,
    "password_hash",
    hash,
    "unique_id",
    `id-${name}`,
    "display_name",
    `Näme ' of ${name}`,
  ];
  server.cli("hset", `moonlatch:account:${name}`, ...fields, "mail", `${name}@example.org`, ...more);
  server.cli("zadd", "moonlatch:accounts", "0", name);
}
const key = (name: string) => ({ name, backend: "default", unique_user_id: `id-${name}` });
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
const codesOf = async (name: string) => (await accountOf(name)).recovery_codes.map((code) => code.expose());
const secrets = (...texts: readonly string[]) => texts.map((text) => new Secret(text));

test("the script has every function of the contract", () => {
  assert.deepEqual(new Set(backend.functions().get("default")), new Set(Object.keys(BACKEND_FUNCTIONS)));
});

test("someone signs in by name or mail address and brings what is known along", async () => {
  for (const name of ["demo", "demo@example.org"]) {
    const outcome = await signIn(name);
    if (outcome.code !== "accepted") assert.fail(outcome.code);
    const { name: account, unique_user_id, display_name, groups, attributes } = outcome.account;
    assert.deepEqual(
      [account, unique_user_id, display_name, groups, attributes["mail"]],
      ["demo", "id-demo", "Näme ' of demo", ["staff"], ["demo@example.org"]],
    );
  }
  assert.deepEqual((await accountOf("editor")).groups, ["staff", "editors"]);
});

test("the contract kit finds nothing", async () => {
  server.cli("hset", "moonlatch:account:demo", "password_hash", await hashPassword("right-password"));
  expectWhole(await kitOn(backend, { account: "demo", password: "right-password" }));
});

test("nobody else is let in", async () => {
  for (const [name, password] of [
    ["demo", "wrong"],
    ["demo", "right\u0000"],
    ["demo", hash],
    ["nobody", "right"],
    ["editor@example.org", "right"],
    ["DEMO", "right"],
    ["de*", "right"],
    ["demo\u0000", "right"],
    ["demo\r\nDEL moonlatch:accounts\r\n", "right"],
    ["Zoë 🔑".repeat(100), "right"],
  ] as const)
    assert.equal((await signIn(name, password)).code, "rejected", name);
  assert.deepEqual(await backend.accounts.lookup("demo@example.org", CONTEXT), { code: "not_found" });
});

test("an account that is disabled is told so only to who knows its password", async () => {
  add("demo", "disabled", "1");
  const told = async (password: string) => {
    const outcome = await signIn("demo", password);
    return outcome.code === "rejected" ? outcome.because : outcome.code;
  };
  assert.deepEqual([await told("right"), await told("wrong")], ["denied", "wrong_password"]);
  assert.equal((await backend.accounts.lookup("demo", CONTEXT)).code, "denied");
});

test("the list has every account, over several pages", async () => {
  const names = Array.from({ length: 2_500 }, (_, n) => `person-${String(n).padStart(4, "0")}`);
  server.cli("zadd", "moonlatch:accounts", ...names.flatMap((name) => ["0", name]));
  const listed = await backend.accounts.listAccounts(CONTEXT);
  assert.deepEqual(listed, { code: "ok", values: ["demo", "editor", ...names] });
});

test("an authenticator app and recovery codes are kept, replaced and removed, and are no attributes", async () => {
  const { accounts } = backend;
  await accounts.addTotp(key("demo"), new Secret("KRSXG5A"), CONTEXT);
  await accounts.addRecoveryCodes(key("demo"), secrets("aaaa", "bbbb"), CONTEXT);
  const { totp_secret, attributes } = await accountOf("demo");
  assert.equal(totp_secret?.expose(), "KRSXG5A");
  assert.doesNotMatch(JSON.stringify(attributes), /KRSXG5A|aaaa/);
  assert.deepEqual(await codesOf("demo"), ["aaaa", "bbbb"]);
  await accounts.addRecoveryCodes(key("demo"), secrets("bbbb"), CONTEXT);
  assert.deepEqual(await codesOf("demo"), ["bbbb"]);
  assert.deepEqual(await accounts.addRecoveryCodes(key("demo"), [], CONTEXT), { code: "ok" });
  assert.deepEqual(await codesOf("demo"), []);
  await accounts.addRecoveryCodes(key("demo"), secrets("cccc"), CONTEXT);
  assert.deepEqual(await accounts.deleteRecoveryCodes(key("demo"), CONTEXT), { code: "ok" });
  assert.deepEqual(await accounts.deleteTotp(key("demo"), CONTEXT), { code: "ok" });
  assert.equal((await accountOf("demo")).totp_secret, undefined);
  assert.deepEqual(await codesOf("demo"), []);
});

test("credentials are kept byte for byte in their order, and changed by their exact text", async () => {
  const { accounts } = backend;
  const kept = [
    `{ "signCount" : 1.0, "id":"b==" , "id":"twice"}`,
    `{"name":"Schlüssel \\u00fc 🔑","big":9007199254740993}`,
    `{"attestation":"${"A".repeat(8_000)}"}`,
    ...Array.from({ length: 10 }, (_, n) => `{"n":${n}}`),
  ];
  for (const credential of [...kept, kept[0] ?? ""])
    assert.deepEqual(await accounts.saveWebauthnCredential(key("demo"), credential, CONTEXT), { code: "ok" });
  assert.deepEqual(await credentialsOf("demo"), kept);
  assert.deepEqual(await credentialsOf("editor"), []);
  const [first = "", second = "", third = "", ...rest] = kept;
  assert.deepEqual(await accounts.updateWebauthnCredential(key("demo"), second, "new", CONTEXT), { code: "ok" });
  assert.deepEqual(await accounts.deleteWebauthnCredential(key("demo"), third, CONTEXT), { code: "ok" });
  assert.deepEqual(await credentialsOf("demo"), [first, "new", ...rest]);
  for (const gone of [second, `${first} `, first.toUpperCase()]) {
    assert.deepEqual(await accounts.updateWebauthnCredential(key("demo"), gone, "x", CONTEXT), { code: "not_found" });
    assert.deepEqual(await accounts.deleteWebauthnCredential(key("demo"), gone, CONTEXT), { code: "not_found" });
  }
  assert.deepEqual(await accounts.updateWebauthnCredential(key("demo"), first, "new", CONTEXT), { code: "ok" });
  assert.deepEqual(await credentialsOf("demo"), ["new", ...rest]);
});

test("of 16 changes of one credential at once exactly one takes place", async () => {
  await backend.accounts.saveWebauthnCredential(key("demo"), "old", CONTEXT);
  const outcomes = await Promise.all(
    Array.from({ length: 16 }, (_, n) =>
      backend.accounts.updateWebauthnCredential(key("demo"), "old", `new ${n}`, CONTEXT),
    ),
  );
  assert.equal(outcomes.filter(({ code }) => code === "ok").length, 1);
  assert.equal((await credentialsOf("demo")).length, 1);
});

test("nothing is written for an account that is not there", async () => {
  const { accounts } = backend;
  for (const outcome of [
    await accounts.addTotp(key("nobody"), new Secret("S"), CONTEXT),
    await accounts.deleteTotp(key("nobody"), CONTEXT),
    await accounts.addRecoveryCodes(key("nobody"), secrets("a"), CONTEXT),
    await accounts.deleteRecoveryCodes(key("nobody"), CONTEXT),
    await accounts.saveWebauthnCredential(key("nobody"), "{}", CONTEXT),
    await accounts.deleteWebauthnCredential(key("nobody"), "{}", CONTEXT),
    await accounts.updateWebauthnCredential(key("nobody"), "{}", "[]", CONTEXT),
  ])
    assert.deepEqual(outcome, { code: "not_found" });
  assert.equal(server.cli("exists", "moonlatch:account:nobody"), "0");
});

test("without its server the backend is unavailable and never says no, and with it goes on", async () => {
  await server.kill();
  assert.equal((await signIn("demo")).code, "unavailable");
  assert.equal((await backend.accounts.addTotp(key("demo"), new Secret("S"), CONTEXT)).code, "unavailable");
  await server.start();
  assert.equal((await signIn("demo")).code, "accepted");
  assert.doesNotMatch(backend.log.join(), /right/);
});
