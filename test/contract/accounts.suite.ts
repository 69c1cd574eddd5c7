import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, beforeEach, test } from "node:test";
import { BACKEND_FUNCTIONS } from "../../src/backend/index.ts";
import { Secret } from "../../src/kernel/index.ts";
import { hashPassword } from "../../src/lua/index.ts";
import { expectWhole, kitOn } from "../support/kit.ts";
import { CONTEXT, type TestBackend } from "../support/lua.ts";

/** A database of accounts under a shipped script. */
export interface AccountsDatabase {
  /** Starts the script, or the source that is given instead, on the database. */
  start(source?: string): Promise<TestBackend>;
  /** What the database itself makes of a statement, with `?` for values. */
  sql(text: string, ...values: readonly (string | number | null)[]): Promise<readonly (readonly unknown[])[]>;
  /** The column that has the order in which credentials were saved. */
  readonly order: string;
  readonly canStore: (name: string) => boolean;
}

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

/** What every shipped script for a database does. */
export function accountsSuite(script: string, database: AccountsDatabase): void {
  let backend: TestBackend;
  let hash: string;

  before(async () => {
    hash = await hashPassword("right");
    backend = await database.start();
  });
  after(() => backend.stop());
  beforeEach(async () => {
    for (const table of ["webauthn_credentials", "accounts"]) await database.sql(`DELETE FROM ${table}`);
    await add("demo", { mail: "demo@example.org", groups: "staff" });
    await add("editor", { mail: "editor@example.org", groups: "staff,editors" });
  });

  async function add(
    username: string,
    { mail = null as string | null, groups = "", disabled = 0 } = {},
  ): Promise<void> {
    await database.sql(
      "INSERT INTO accounts (username, password_hash, unique_id, display_name, mail, groups, disabled) VALUES (?, ?, ?, ?, ?, ?, ?)",
      username,
      hash,
      `id-${username.slice(0, 200)}`,
      `Näme ' " -- of ${username.slice(0, 200)}`,
      mail,
      groups,
      disabled,
    );
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
  const stored = async (name: string) => {
    const order = database.order;
    const rows = await database.sql(
      `SELECT credential FROM webauthn_credentials WHERE username = ? ORDER BY ${order}`,
      name,
    );
    return rows.map(([credential]) => credential);
  };

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
    await add("gone", { disabled: 1 });
    assert.deepEqual(await signIn("gone"), { code: "rejected", because: "denied", message: undefined });
    assert.deepEqual(await backend.accounts.lookup("gone", CONTEXT), { code: "denied", message: undefined });
    assert.deepEqual(await signIn("gone", "wrong"), {
      code: "rejected",
      because: "wrong_password",
      message: undefined,
    });
  });

  test("an account whose hash cannot be read is a failure and neither a rejection nor a sign-in", async () => {
    await database.sql("UPDATE accounts SET password_hash = 'right' WHERE username = 'demo'");
    assert.equal((await signIn("demo")).code, "unavailable");
  });

  test("a mail address signs in the only account that has it, and finds nobody when two do", async () => {
    const outcome = await signIn("demo@example.org");
    assert.equal(outcome.code === "accepted" ? outcome.account.name : outcome.code, "demo");
    await add("double", { mail: "demo@example.org" });
    assert.equal((await signIn("demo@example.org")).code, "rejected");
  });

  test("a lookup asks for the account name alone, and a user name goes before a mail address", async () => {
    assert.deepEqual(await backend.accounts.lookup("demo@example.org", CONTEXT), { code: "not_found" });
    await add("demo@example.org", {});
    assert.equal((await accountOf("demo@example.org")).unique_user_id, "id-demo@example.org");
    const outcome = await signIn("demo@example.org");
    assert.equal(outcome.code === "accepted" ? outcome.account.name : outcome.code, "demo@example.org");
  });

  for (const name of HOSTILE) {
    test(`the user name ${JSON.stringify(name.slice(0, 30))} is nobody before it exists and itself afterwards`, async () => {
      assert.equal((await signIn(name)).code, "rejected");
      assert.equal((await backend.accounts.lookup(name, CONTEXT)).code, "not_found");
      assert.equal((await backend.accounts.addTotp(key(name), new Secret("S"), CONTEXT)).code, "not_found");
      if (!database.canStore(name)) return;
      await add(name);
      assert.equal((await accountOf(name)).unique_user_id, `id-${name.slice(0, 200)}`);
      assert.equal((await backend.accounts.addTotp(key(name), new Secret("S"), CONTEXT)).code, "ok");
      assert.deepEqual(await secretsOf(name), { totp: "S", codes: [] });
      assert.deepEqual(await secretsOf("demo"), { totp: undefined, codes: [] });
    });
  }

  test("all accounts are listed, disabled ones too", async () => {
    await add("gone", { disabled: 1 });
    assert.deepEqual(await backend.accounts.listAccounts(CONTEXT), { code: "ok", values: ["demo", "editor", "gone"] });
  });

  test("a TOTP secret is stored, replaced and removed", async () => {
    assert.deepEqual(await backend.accounts.addTotp(key("demo"), new Secret("JBSWY3DPEHPK3PXP"), CONTEXT), {
      code: "ok",
    });
    assert.deepEqual(await secretsOf("demo"), { totp: "JBSWY3DPEHPK3PXP", codes: [] });
    await backend.accounts.addTotp(key("demo"), new Secret("KRSXG5A"), CONTEXT);
    assert.deepEqual(await secretsOf("demo"), { totp: "KRSXG5A", codes: [] });
    const { attributes } = await accountOf("demo");
    assert.equal(JSON.stringify(attributes).includes("KRSXG5A"), false);
    assert.deepEqual(await backend.accounts.deleteTotp(key("demo"), CONTEXT), { code: "ok" });
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
    for (const name of ["demo", "editor"])
      for (const credential of ["a", "A", "a "])
        await backend.accounts.saveWebauthnCredential(key(name), credential, CONTEXT);
    assert.deepEqual(await backend.accounts.updateWebauthnCredential(key("demo"), "a", "b", CONTEXT), { code: "ok" });
    assert.deepEqual(await stored("demo"), ["b", "A", "a "]);
    assert.deepEqual(await backend.accounts.updateWebauthnCredential(key("demo"), "a", "c", CONTEXT), {
      code: "not_found",
    });
    assert.deepEqual(await backend.accounts.deleteWebauthnCredential(key("demo"), "A", CONTEXT), { code: "ok" });
    assert.deepEqual(await stored("demo"), ["b", "a "]);
    assert.deepEqual(await backend.accounts.deleteWebauthnCredential(key("demo"), "A", CONTEXT), { code: "not_found" });
    assert.deepEqual(await stored("editor"), ["a", "A", "a "]);
  });

  test("no factor is written for an account that does not exist", async () => {
    const nobody = key("nobody");
    for (const outcome of [
      await backend.accounts.addTotp(nobody, new Secret("S"), CONTEXT),
      await backend.accounts.deleteTotp(nobody, CONTEXT),
      await backend.accounts.addRecoveryCodes(nobody, [new Secret("a")], CONTEXT),
      await backend.accounts.deleteRecoveryCodes(nobody, CONTEXT),
      await backend.accounts.saveWebauthnCredential(nobody, "{}", CONTEXT),
      await backend.accounts.deleteWebauthnCredential(nobody, "{}", CONTEXT),
      await backend.accounts.updateWebauthnCredential(nobody, "{}", "[]", CONTEXT),
    ])
      assert.deepEqual(outcome, { code: "not_found" });
    assert.deepEqual(await credentialsOf("nobody"), []);
  });

  test("the contract kit finds nothing, and leaves nothing", async () => {
    const password = "right-password";
    await database.sql("UPDATE accounts SET password_hash = ?", await hashPassword(password));
    expectWhole(await kitOn(backend, { account: "demo", password }));
    assert.deepEqual(await secretsOf("demo"), { totp: undefined, codes: [] });
    assert.deepEqual(await stored("demo"), []);
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
    // The fastest of each: what the work itself takes, whatever else the machine does.
    const ratio = Math.min(...times.unknown) / Math.min(...times.known);
    assert.ok(ratio > 0.6 && ratio < 1.7, `ratio ${ratio.toFixed(2)}`);
  });

  test("on a host that knows only OK and FAIL nothing that is refused becomes a success", async () => {
    const narrow = "nauthilus_builtin = { BACKEND_RESULT_OK = 0, BACKEND_RESULT_FAIL = 1 }\n";
    const other = await database.start(`${narrow}${readFileSync(script, "utf8")}`);
    try {
      const { accounts } = other;
      const check = async (name: string, password: string) =>
        (await accounts.verifyPassword(name, new Secret(password), CONTEXT)).code;
      assert.equal(await check("demo", "right"), "accepted");
      assert.equal(await check("demo", "wrong"), "rejected");
      assert.equal(await check("nobody", "right"), "rejected");
      assert.equal((await accounts.addTotp(key("nobody"), new Secret("S"), CONTEXT)).code, "unavailable");
      await database.sql("UPDATE accounts SET disabled = ? WHERE username = 'demo'", 1);
      assert.equal(await check("demo", "right"), "rejected");
    } finally {
      await other.stop();
    }
  });
}
