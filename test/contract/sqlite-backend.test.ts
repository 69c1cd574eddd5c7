import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, beforeEach, test } from "node:test";
import { fileURLToPath } from "node:url";
import { BACKEND_FUNCTIONS } from "../../src/backend/index.ts";
import { Secret } from "../../src/kernel/index.ts";
import { hashPassword, seedDemoAccounts } from "../../src/lua/index.ts";
import { CONTEXT, startBackend, type TestBackend } from "../support/lua.ts";

const SCRIPT = fileURLToPath(new URL("../../lua/sqlite.lua", import.meta.url));

/** Names that would be something else in SQL text, in a pattern, in a C string, or to a careless comparison. */
const HOSTILE = [
  "'; DROP TABLE accounts; --",
  '" OR ""="',
  "%",
  "_emo",
  "de*",
  "demo\u0000x",
  "DEMO",
  "demo ",
  "../../etc/passwd",
  "Zoë 🔑",
  "nil",
  "1e1",
  "x".repeat(1_000),
];

/** Credential texts that any parsing and writing again would change. */
const CREDENTIALS = [
  '{"id":"b==","publicKey":"AA+/","signCount":1,"name":"it\'s \\"mine\\""}',
  '{ "signCount" : 1.0, "id":"b==" , "id":"twice"}',
  '{"name":"Schlüssel \\u00fc 🔑","big":9007199254740993}',
  `{"attestation":"${"A".repeat(8_000)}"}`,
];

let backend: TestBackend;
let hash: string;
let database: DatabaseSync;

before(async () => {
  hash = await hashPassword("right");
  backend = await startBackend("", {}, SCRIPT);
  // Before there is any table: the script makes its own.
  assert.deepEqual(await backend.accounts.lookup("demo", CONTEXT), { code: "not_found" });
  database = new DatabaseSync(join(backend.folder, "accounts.db"));
});
after(async () => {
  database.close();
  await backend.stop();
});
beforeEach(() => {
  database.exec("DELETE FROM webauthn_credentials; DELETE FROM accounts");
  add("demo", { mail: "demo@example.org", groups: "staff" });
  add("editor", { mail: "editor@example.org", groups: "staff,editors" });
});

function add(username: string, { mail = null as string | null, groups = "", disabled = 0 } = {}): void {
  database
    .prepare(
      "INSERT INTO accounts (username, password_hash, unique_id, display_name, mail, groups, disabled) VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .run(username, hash, `id-${username}`, `Näme ' " -- of ${username}`, mail, groups, disabled);
}

const key = (name: string) => ({ name, backend: "default", unique_user_id: `id-${name}` });
const signIn = (name: string, password = "right") =>
  backend.accounts.verifyPassword(name, new Secret(password), CONTEXT);
const accountOf = async (name: string) => {
  const found = await backend.accounts.lookup(name, CONTEXT);
  assert.equal(found.code, "found");
  return found.code === "found" ? found.account : assert.fail();
};
const secretsOf = async (name: string) => {
  const { totp_secret, recovery_codes } = await accountOf(name);
  return { totp: totp_secret?.expose(), codes: recovery_codes.map((code) => code.expose()) };
};
const credentialsOf = async (name: string) => {
  const listed = await backend.accounts.webauthnCredentials(key(name), CONTEXT);
  return listed.code === "ok" ? listed.values : assert.fail(listed.code);
};

/** What the database itself holds. */
const stored = (name: string) =>
  database
    .prepare("SELECT credential FROM webauthn_credentials WHERE username = ? ORDER BY rowid")
    .all(name)
    .map((row) => row["credential"]);
const seed = (password: string) =>
  seedDemoAccounts(join(backend.folder, "accounts.db"), [
    { username: "demo", password, display_name: "Demo", groups: ["staff"] },
    { username: "editor", password, display_name: "Editor", groups: ["staff", "editors"] },
  ]);
const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

test("the script defines all ten functions", () => {
  assert.deepEqual(
    [...(backend.functions().get("default") ?? [])].toSorted(),
    Object.keys(BACKEND_FUNCTIONS).toSorted(),
  );
});

test("the right password is accepted, with everything that is known about the account", async () => {
  const outcome = await signIn("editor");
  assert.deepEqual(outcome, {
    code: "accepted",
    account: {
      name: "editor",
      backend: "default",
      unique_user_id: "id-editor",
      display_name: "Näme ' \" -- of editor",
      attributes: {
        account: ["editor"],
        unique_id: ["id-editor"],
        display_name: ["Näme ' \" -- of editor"],
        mail: ["editor@example.org"],
        groups: ["staff", "editors"],
      },
      groups: ["staff", "editors"],
      group_dns: [],
      totp_secret: undefined,
      recovery_codes: [],
    },
  });
});

for (const [what, name, password, because] of [
  ["a wrong password", "demo", "wrong", "wrong_password"],
  ["the password in other letters", "demo", "RIGHT", "wrong_password"],
  ["a password with a NUL behind it", "demo", "right\u0000", "wrong_password"],
  ["the stored hash as the password", "demo", "(hash)", "wrong_password"],
  ["an unknown user", "nobody", "right", "not_found"],
  ["an unknown mail address", "nobody@example.org", "right", "not_found"],
] as const) {
  test(`${what} is rejected`, async () => {
    assert.deepEqual(await signIn(name, password === "(hash)" ? hash : password), {
      code: "rejected",
      because,
      message: undefined,
    });
  });
}

test("a disabled account is denied with its password and in lookups, and looks like any other without it", async () => {
  add("gone", { disabled: 1 });
  assert.deepEqual(await signIn("gone"), { code: "rejected", because: "denied", message: undefined });
  assert.deepEqual(await backend.accounts.lookup("gone", CONTEXT), { code: "denied", message: undefined });
  assert.deepEqual(await signIn("gone", "wrong"), { code: "rejected", because: "wrong_password", message: undefined });
});

test("an account whose hash cannot be read is a failure and neither a rejection nor a sign-in", async () => {
  database.prepare("UPDATE accounts SET password_hash = ? WHERE username = 'demo'").run("right");
  assert.equal((await signIn("demo")).code, "unavailable");
});

test("a mail address signs in the only account that has it, and finds nobody when two do", async () => {
  const outcome = await signIn("demo@example.org");
  assert.equal(outcome.code === "accepted" ? outcome.account.name : outcome.code, "demo");
  add("double", { mail: "demo@example.org" });
  assert.equal((await signIn("demo@example.org")).code, "rejected");
});

test("a lookup asks for the account name alone, and a user name goes before a mail address", async () => {
  assert.deepEqual(await backend.accounts.lookup("demo@example.org", CONTEXT), { code: "not_found" });
  add("demo@example.org", {});
  assert.equal((await accountOf("demo@example.org")).unique_user_id, "id-demo@example.org");
  const outcome = await signIn("demo@example.org");
  assert.equal(outcome.code === "accepted" ? outcome.account.name : outcome.code, "demo@example.org");
});

for (const name of HOSTILE) {
  test(`the user name ${JSON.stringify(name.slice(0, 30))} is nobody before it exists and itself afterwards`, async () => {
    assert.equal((await signIn(name)).code, "rejected");
    assert.equal((await backend.accounts.lookup(name, CONTEXT)).code, "not_found");
    assert.equal((await backend.accounts.addTotp(key(name), new Secret("S"), CONTEXT)).code, "not_found");
    add(name);
    assert.equal((await accountOf(name)).unique_user_id, `id-${name}`);
    assert.equal((await backend.accounts.addTotp(key(name), new Secret("S"), CONTEXT)).code, "ok");
    assert.deepEqual(await secretsOf(name), { totp: "S", codes: [] });
    assert.deepEqual(await secretsOf("demo"), { totp: undefined, codes: [] });
  });
}

test("all accounts are listed, disabled ones too", async () => {
  add("gone", { disabled: 1 });
  assert.deepEqual(await backend.accounts.listAccounts(CONTEXT), { code: "ok", values: ["demo", "editor", "gone"] });
});

test("a TOTP secret is stored, replaced and removed", async () => {
  const { accounts } = backend;
  assert.deepEqual(await accounts.addTotp(key("demo"), new Secret("JBSWY3DPEHPK3PXP"), CONTEXT), { code: "ok" });
  assert.deepEqual(await secretsOf("demo"), { totp: "JBSWY3DPEHPK3PXP", codes: [] });
  await accounts.addTotp(key("demo"), new Secret("KRSXG5A"), CONTEXT);
  assert.deepEqual(await secretsOf("demo"), { totp: "KRSXG5A", codes: [] });
  const { attributes } = await accountOf("demo");
  assert.equal(JSON.stringify(attributes).includes("KRSXG5A"), false);
  assert.deepEqual(await accounts.deleteTotp(key("demo"), CONTEXT), { code: "ok" });
  assert.deepEqual(await secretsOf("demo"), { totp: undefined, codes: [] });
});

test("recovery codes replace the ones before, and none are left after an empty list or a removal", async () => {
  const write = (...codes: readonly string[]) =>
    backend.accounts.addRecoveryCodes(
      key("demo"),
      codes.map((code) => new Secret(code)),
      CONTEXT,
    );
  assert.deepEqual(await write("aaaa", "bbbb", "cccc"), { code: "ok" });
  assert.deepEqual((await secretsOf("demo")).codes, ["aaaa", "bbbb", "cccc"]);
  await write("bbbb");
  assert.deepEqual((await secretsOf("demo")).codes, ["bbbb"]);
  assert.deepEqual(await write(), { code: "ok" });
  assert.deepEqual((await secretsOf("demo")).codes, []);
  await write("dddd");
  assert.deepEqual(await backend.accounts.deleteRecoveryCodes(key("demo"), CONTEXT), { code: "ok" });
  assert.deepEqual((await secretsOf("demo")).codes, []);
});

test("WebAuthn credentials come back byte for byte, in the order they were saved", async () => {
  for (const credential of CREDENTIALS)
    assert.deepEqual(await backend.accounts.saveWebauthnCredential(key("demo"), credential, CONTEXT), { code: "ok" });
  assert.deepEqual(await credentialsOf("demo"), CREDENTIALS);
  assert.deepEqual(await credentialsOf("editor"), []);
});

test("saving a credential again changes nothing and is no failure", async () => {
  for (let time = 0; time < 2; time += 1)
    assert.deepEqual(await backend.accounts.saveWebauthnCredential(key("demo"), "{}", CONTEXT), { code: "ok" });
  assert.deepEqual(await credentialsOf("demo"), ["{}"]);
});

test("an update and a removal touch the credential with exactly that text, of that account", async () => {
  const { accounts } = backend;
  for (const name of ["demo", "editor"])
    for (const credential of ["a", "A", "a "]) await accounts.saveWebauthnCredential(key(name), credential, CONTEXT);
  assert.deepEqual(await accounts.updateWebauthnCredential(key("demo"), "a", "b", CONTEXT), { code: "ok" });
  assert.deepEqual(stored("demo"), ["b", "A", "a "]);
  assert.deepEqual(await accounts.updateWebauthnCredential(key("demo"), "a", "c", CONTEXT), { code: "not_found" });
  assert.deepEqual(await accounts.deleteWebauthnCredential(key("demo"), "A", CONTEXT), { code: "ok" });
  assert.deepEqual(stored("demo"), ["b", "a "]);
  assert.deepEqual(await accounts.deleteWebauthnCredential(key("demo"), "A", CONTEXT), { code: "not_found" });
  assert.deepEqual(stored("editor"), ["a", "A", "a "]);
});

test("no factor is written for an account that does not exist", async () => {
  const { accounts } = backend;
  const nobody = key("nobody");
  for (const outcome of [
    await accounts.addTotp(nobody, new Secret("S"), CONTEXT),
    await accounts.deleteTotp(nobody, CONTEXT),
    await accounts.addRecoveryCodes(nobody, [new Secret("a")], CONTEXT),
    await accounts.deleteRecoveryCodes(nobody, CONTEXT),
    await accounts.saveWebauthnCredential(nobody, "{}", CONTEXT),
    await accounts.deleteWebauthnCredential(nobody, "{}", CONTEXT),
    await accounts.updateWebauthnCredential(nobody, "{}", "[]", CONTEXT),
  ])
    assert.deepEqual(outcome, { code: "not_found" });
  assert.deepEqual(await credentialsOf("nobody"), []);
});

test("an unknown user takes the time of a wrong password", async () => {
  const times: Record<"known" | "unknown", number[]> = { known: [], unknown: [] };
  const measure = async (kind: "known" | "unknown", name: string) => {
    const started = performance.now();
    await signIn(name, "wrong");
    times[kind].push(performance.now() - started);
  };
  for (let round = 0; round < 15; round += 1) {
    await measure("known", "demo");
    await measure("unknown", "nobody");
  }
  const ratio = median(times.unknown) / median(times.known);
  assert.ok(ratio > 0.6 && ratio < 1.7, `ratio ${ratio.toFixed(2)}`);
});

test("the demo accounts are made once and sign in", async () => {
  database.exec("DELETE FROM accounts");
  await seed("first");
  await seed("second");
  for (const name of ["demo", "editor"]) {
    assert.equal((await signIn(name, "first")).code, "accepted");
    assert.equal((await signIn(name, "second")).code, "rejected");
  }
  assert.deepEqual((await accountOf("editor")).groups, ["staff", "editors"]);
});

test("on a host that knows only OK and FAIL nothing that is refused becomes a success", async () => {
  const narrow = "nauthilus_builtin = { BACKEND_RESULT_OK = 0, BACKEND_RESULT_FAIL = 1 }\n";
  const other = await startBackend(`${narrow}${readFileSync(SCRIPT, "utf8")}`);
  try {
    const { accounts } = other;
    await seedDemoAccounts(join(other.folder, "accounts.db"), [
      { username: "demo", password: "right", display_name: "Demo", groups: [] },
    ]);
    const check = async (name: string, password: string) =>
      (await accounts.verifyPassword(name, new Secret(password), CONTEXT)).code;
    assert.equal(await check("demo", "right"), "accepted");
    assert.equal(await check("demo", "wrong"), "rejected");
    assert.equal(await check("nobody", "right"), "rejected");
    assert.equal((await accounts.addTotp(key("nobody"), new Secret("S"), CONTEXT)).code, "unavailable");
    const opened = new DatabaseSync(join(other.folder, "accounts.db"));
    opened.exec("UPDATE accounts SET disabled = 1");
    opened.close();
    assert.equal(await check("demo", "right"), "rejected");
  } finally {
    await other.stop();
  }
});
