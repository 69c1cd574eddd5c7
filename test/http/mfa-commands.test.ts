import assert from "node:assert/strict";
import { fork, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { seedDemoAccounts } from "../../src/lua/index.ts";
import { createVisitor, follow, type Visit, type Visitor } from "../support/browser.ts";
import { codesOn, reply, secretOn, totpCode } from "../support/factors.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const RACE = fileURLToPath(new URL("../support/factor-race.ts", import.meta.url));
const SCRIPT = readFileSync(new URL("../../lua/sqlite.lua", import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "moonlatch-mfa-"));
const accounts = join(folder, "accounts.db");

before(async () => {
  const people = ["demo", "editor", "lost"].map((username) => ({
    username,
    password: "right",
    display_name: username,
    groups: [],
  }));
  await seedDemoAccounts(accounts, people);
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function run(...args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const env = { PATH: process.env["PATH"] ?? "", MOONLATCH_ACCOUNTS: accounts };
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder, env });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

/** The provider in this process, on the same files as the commands. */
async function withIdp<Value>(work: (idp: TestIdp) => Promise<Value>, more = ""): Promise<Value> {
  const idp = await startIdp({ script: SCRIPT, folder, store: "sqlite", more });
  try {
    return await work(idp);
  } finally {
    await idp.stop();
  }
}

async function next(visitor: Visitor, page: Visit, fields: Readonly<Record<string, string>>): Promise<Visit> {
  return follow(visitor, await reply(visitor, page, fields), new URL(page.url).origin);
}

async function enter(idp: TestIdp, visitor: Visitor, username: string): Promise<Visit> {
  const page = await follow(visitor, await visitor.get(`${idp.issuer}/account`), idp.issuer);
  return next(visitor, page, { username, password: "right" });
}

/** An authenticator app with recovery codes; the code of the step before is the one that is still good. */
async function enrol(idp: TestIdp, username: string): Promise<{ secret: string; codes: readonly string[] }> {
  const visitor = createVisitor();
  await enter(idp, visitor, username);
  const setup = await follow(visitor, await visitor.get(`${idp.issuer}/account/methods/totp`), idp.issuer);
  const secret = secretOn(setup);
  const shown = await next(visitor, setup, { code: totpCode(secret, -1) });
  const codes = codesOn(shown);
  await next(visitor, shown, { saved: "on" });
  return { secret, codes };
}

function stored(username: string): { totp_secret: string; recovery_codes: string } {
  const database = new DatabaseSync(accounts);
  try {
    const row = database.prepare("SELECT totp_secret, recovery_codes FROM accounts WHERE username = ?").get(username);
    return { totp_secret: String(row?.["totp_secret"]), recovery_codes: String(row?.["recovery_codes"]) };
  } finally {
    database.close();
  }
}

/** Ten tries of one code by two processes on one store; how many were accepted. */
async function race(kind: "totp" | "recovery", code: string): Promise<readonly string[]> {
  const children = [0, 1].map(() => fork(RACE, [join(folder, "config.yaml"), accounts, kind, code]));
  await Promise.all(children.map((child) => once(child, "message")));
  const answers = children.map((child) => once(child, "message") as Promise<[string[]]>);
  for (const child of children) child.send("go");
  const outcomes = (await Promise.all(answers)).flatMap(([codes]) => codes);
  await Promise.all(children.map(async (child) => (child.exitCode === null ? once(child, "exit") : undefined)));
  return outcomes;
}

test("of ten parallel tries of one code by two processes one wins, for apps and for recovery codes", async () => {
  const { secret, codes } = await withIdp((idp) => enrol(idp, "demo"));
  const app = await race("totp", totpCode(secret, 0));
  assert.equal(app.filter((outcome) => outcome === "proven").length, 1, app.join(" "));
  const recovery = await race("recovery", codes[2] ?? "");
  assert.equal(recovery.filter((outcome) => outcome === "proven").length, 1, recovery.join(" "));
  assert.equal(stored("demo").recovery_codes.split(",").length, 9);
});

test("mfa list says what an account has, and no secret", async () => {
  const { code, out } = await run("mfa", "list", "demo", "-c", "config.yaml", "--json");
  assert.equal(code, 0);
  const report = JSON.parse(out) as Record<string, unknown>;
  assert.deepEqual([report["totp"], report["recovery_codes"], report["enrolment_code"]], ["ready", 9, false]);
  assert.doesNotMatch(out, new RegExp(stored("demo").totp_secret));
  assert.match((await run("mfa", "list", "demo", "-c", "config.yaml")).out, /authenticator app: ready/);
  assert.equal((await run("mfa", "list", "nobody", "-c", "config.yaml")).code, 1);
});

test("who lost everything gets in with the administrator's one-time code, and sets up anew", async () => {
  await withIdp(async (idp) => {
    await enrol(idp, "lost");
    const { code: exit, out } = await run("mfa", "reset", "lost", "-c", "config.yaml", "--json");
    assert.equal(exit, 0);
    const { code } = JSON.parse(out) as { code: string };
    assert.deepEqual(stored("lost"), { totp_secret: "null", recovery_codes: "null" });
    // Whoever knows the password alone gets nowhere.
    const thief = createVisitor();
    const asked = await enter(idp, thief, "lost");
    assert.match(asked.body, /Enter your code from support/);
    assert.match((await next(thief, asked, { code: "0000-0000-0000" })).body, /not right, or it is too old/);
    const owner = createVisitor();
    const choose = await next(owner, await enter(idp, owner, "lost"), { code: ` ${code.toUpperCase()} ` });
    assert.match(choose.body, /Add a second step/);
    const setup = await next(owner, choose, { method: "totp" });
    const shown = await next(owner, setup, { code: totpCode(secretOn(setup), 1) });
    assert.match((await next(owner, shown, { saved: "on" })).body, /Hello/);
    // The code is spent.
    const again = createVisitor();
    assert.match((await enter(idp, again, "lost")).body, /6-digit code/);
    const activity = await follow(owner, await owner.get(`${idp.issuer}/account/activity`), idp.issuer);
    assert.match(
      activity.body,
      /One-time code from support used[\s\S]*Support made you a one-time code[\s\S]*reset by support/,
    );
  });
});

test("accounts reindex makes passkeys findable again, and counts", async () => {
  const { code, out } = await run("accounts", "reindex", "-c", "config.yaml", "--json");
  assert.equal(code, 0);
  assert.deepEqual(JSON.parse(out), { accounts: 3, with_keys: 0, failed: 0 });
});

test("sealing keeps secrets from the database, survives a new key, refuses a wrong one, and is undone", async () => {
  const [first, second] = [randomBytes(32).toString("base64"), randomBytes(32).toString("hex")];
  writeFileSync(join(folder, "first.key"), `${first}\n`);
  writeFileSync(join(folder, "second.key"), `${second}\n`);
  const sealed = "secrets: { sealing_key_file: ./first.key }";
  const rotated = "secrets: { sealing_key_file: ./second.key, previous: [{ sealing_key_file: ./first.key }] }";
  const plain = stored("demo");
  const signIn = (idp: TestIdp, steps: number) => async (): Promise<Visit> => {
    const visitor = createVisitor();
    return next(visitor, await enter(idp, visitor, "demo"), { code: totpCode(plain.totp_secret, steps) });
  };

  await withIdp(async (idp) => {
    // Plain is still read.
    assert.match((await signIn(idp, 1)()).body, /Hello/);
    const { out } = await run("mfa", "seal", "-c", "config.yaml", "--json");
    assert.equal((JSON.parse(out) as { converted: number }).converted, 2);
    const now = stored("demo");
    assert.match(now.totp_secret, /^enc1\.[0-9a-f]{8}\.[\w-]+$/);
    assert.ok(now.totp_secret.length < 255);
    assert.match(now.recovery_codes, /^(?:rc1\.[0-9a-f]{8}\.[\w-]{27},?){9}$/);
    const { secret, codes } = await enrol(idp, "editor");
    assert.doesNotMatch(JSON.stringify(stored("editor")), new RegExp(`${secret}|${codes[0]}`));
    const visitor = createVisitor();
    const chooser = await next(visitor, await enter(idp, visitor, "editor"), { decision: "other" });
    const recovery = await next(visitor, chooser, { method: "recovery" });
    assert.match((await next(visitor, recovery, { code: codes[0] ?? "" })).body, /Hello/);
    assert.equal(stored("editor").recovery_codes.split(",").length, 9);
  }, sealed);

  await withIdp(async () => {
    assert.equal((await run("mfa", "seal", "-c", "config.yaml")).code, 0);
  }, rotated);
  await withIdp(async () => undefined, "secrets: { sealing_key_file: ./second.key }");

  const refused = withIdp(async () => undefined, `secrets: { sealing_key: "${randomBytes(32).toString("hex")}" }`);
  await assert.rejects(refused, /not the key that sealed what is stored/);
  await assert.rejects(
    withIdp(async () => undefined),
    /there is no secrets\.sealing_key/,
  );

  await withIdp(async () => {
    const { code, err } = await run("mfa", "unseal", "-c", "config.yaml");
    assert.equal(code, 1);
    assert.match(err, /hashed recovery codes, which cannot be made plain/);
    assert.equal(stored("demo").totp_secret, plain.totp_secret);
  }, rotated);
});
