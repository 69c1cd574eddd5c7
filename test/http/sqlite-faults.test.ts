import assert from "node:assert/strict";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { createVisitor, type Visit } from "../support/browser.ts";
import { command } from "../support/command.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";
import { createManualWorld } from "../support/manual-clock.ts";
import { smallDisk } from "../support/small-disk.ts";

/** First byte of a page at the bottom of a tree (SQLite's file format, section 1.6). */
const LEAF = 0x0a;

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-sqlite-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function start(t: TestContext, folder: string): Promise<TestIdp> {
  const idp = await startIdp({ script: SCRIPT, oidc: OIDC, store: "sqlite", folder, world: createManualWorld() });
  let stopped: Promise<void> | undefined;
  const stop = () => (stopped ??= idp.stop());
  t.after(stop);
  return { ...idp, stop };
}

function assertOutage(answer: Visit, idp: TestIdp, cause: RegExp): void {
  assert.equal(answer.status, 503, answer.body);
  assert.equal(answer.location, undefined);
  assert.match(answer.body, /We can’t do this right now/);
  assert.doesNotMatch(answer.body, /sqlite|database|moonlatch\.db| {4}at /i);
  assert.match(answer.headers.get("retry-after") ?? "", /^[1-9]\d*$/);
  const reference = /<code[^>]*>([0-9a-f]+)<\/code>/.exec(answer.body)?.[1] ?? assert.fail(answer.body);
  const line = idp.log.find((one) => one.includes(reference)) ?? assert.fail("the reference is not in the log");
  assert.match(line, cause);
}

/** People and applications while the store cannot be written, and after that: nothing was half done. */
async function outage(
  idp: TestIdp,
  { begin, end, cause }: { begin: () => void; end: () => void; cause: RegExp },
): Promise<void> {
  const { authorizeUrl, codeOf, loginPage, redeem, signIn, submit } = journeyOf(() => idp.issuer);
  const known = createVisitor();
  const code = codeOf(await signIn(known));
  const visitor = createVisitor();
  const page = await loginPage(visitor);
  begin();
  assertOutage(await submit(visitor, page, "demo", "right"), idp, cause);
  assertOutage(await known.get(authorizeUrl("app", { prompt: "none" })), idp, cause);
  const redeemed = await redeem(code);
  assert.equal(redeemed.status, 503);
  assert.equal(((await redeemed.json()) as { error: string }).error, "temporarily_unavailable");
  assert.match(idp.log.findLast((line) => line.includes("/oidc/token")) ?? "", cause);
  end();
  assert.equal((await redeem(code)).status, 200);
  assert.equal((await redeem(code)).status, 400);
  assert.ok((await submit(visitor, page, "demo", "right")).handoff !== undefined);
  assert.equal((await command(idp.folder, "store", "check", "-c", "config.yaml")).code, 0);
}

test("while another process holds the lock, people are told to come again, and it goes on by itself", async (t) => {
  const idp = await start(t, temporaryFolder(t));
  const other = new DatabaseSync(join(idp.folder, "moonlatch.db"));
  t.after(() => other.close());
  await outage(idp, {
    begin: () => other.exec("BEGIN EXCLUSIVE"),
    end: () => other.exec("COMMIT"),
    cause: /another process holds its lock/,
  });
});

test("while the disk is full, people are told to come again, and it goes on by itself", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-sqlite-"));
  const disk = smallDisk(folder);
  const idp = await start(t, folder);
  t.after(() => {
    disk.remove();
    rmSync(folder, { recursive: true, force: true });
  });
  await outage(idp, {
    begin: () => disk.fill(),
    end: () => disk.free(),
    cause: /the disk is full|it could not be read or written/,
  });
});

test("a damaged page is said in the log with what to do, and signs nobody in", async (t) => {
  const folder = temporaryFolder(t);
  const path = join(folder, "moonlatch.db");
  const before = await start(t, folder);
  const { codeOf, loginPage, signIn } = journeyOf(() => idp.issuer);
  let idp = before;
  const known = createVisitor();
  codeOf(await signIn(known));
  await before.stop();
  // Sessions of others, so that the pages with sessions hold nothing else.
  const database = new DatabaseSync(path);
  const insert = database.prepare(
    "INSERT INTO records (kind, id, value, version) VALUES ('oidc.Session', ?, '{\"filler\":true}', 1)",
  );
  for (const first of "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-")
    for (let each = 0; each < 40; each += 1) insert.run(`${first}${each}`.padEnd(40, "x"));
  database.close();
  const sound = join(folder, "sound.db");
  copyFileSync(path, sound);
  const bytes = readFileSync(path);
  for (let at = 0; at < bytes.length; at += 4096) {
    const content = bytes.subarray(at, at + 4096);
    if (content[0] === LEAF && content.includes("filler") && !/key|session/.test(content.toString("latin1")))
      content.fill(0xff);
  }
  writeFileSync(path, bytes);

  const check = await command(folder, "store", "check", "-c", "config.yaml");
  assert.equal(check.code, 1);
  assert.match(check.out, /moonlatch\.db: damaged/);
  const backup = await command(folder, "store", "backup", "copy.db", "-c", "config.yaml");
  assert.equal(backup.code, 78);
  assert.match(backup.err, /damaged/);

  idp = await start(t, folder);
  const visitor = createVisitor();
  assertOutage(await loginPage(visitor), idp, /its content is damaged.*moonlatch store restore/);
  const silent = await known.get(journeyOf(() => idp.issuer).authorizeUrl("app", { prompt: "none" }));
  assertOutage(silent, idp, /its content is damaged/);
  await idp.stop();

  copyFileSync(sound, path);
  idp = await start(t, folder);
  codeOf(await signIn(createVisitor()));
  await idp.stop();
});

test("a store that cannot be used stops the start: which file, what is wrong with it, and what to do", async (t) => {
  const folder = temporaryFolder(t);
  const idp = await start(t, folder);
  await idp.stop();
  const path = join(folder, "moonlatch.db");
  const refused = async (why: RegExp): Promise<void> => {
    const { code, err } = await command(folder, "serve", "-c", "config.yaml");
    assert.match(err, why);
    assert.match(err, /^The store \/.*moonlatch\.db cannot be used: .*\. [A-Z].*\.\n$/);
    assert.equal(code, 78);
  };
  const sound = readFileSync(path);

  truncateSync(path, 10_000);
  await refused(/its content is damaged .*moonlatch store restore/);
  writeFileSync(path, "no database at all. ".repeat(500));
  await refused(/the file is not a database/);
  rmSync(path);
  const foreign = new DatabaseSync(path);
  foreign.exec("CREATE TABLE accounts (name TEXT)");
  foreign.close();
  await refused(/it is the database of another program/);
  const untouched = new DatabaseSync(path);
  assert.equal(untouched.prepare("SELECT count(*) AS n FROM sqlite_schema").get()?.["n"], 1);
  untouched.exec("DROP TABLE accounts; CREATE TABLE records (a); PRAGMA user_version = 7");
  untouched.close();
  await refused(/schema version 7, this program knows 1/);
  rmSync(path);
  mkdirSync(path);
  await refused(/it cannot be opened/);
  rmSync(path, { recursive: true });

  writeFileSync(path, sound);
  const other = new DatabaseSync(path);
  other.exec("BEGIN EXCLUSIVE");
  await refused(/another process holds its lock/);
  other.close();

  // Who may do everything acts as somebody who may not.
  const isRoot = process.getuid?.() === 0;
  chmodSync(path, 0o444);
  chmodSync(folder, 0o555);
  if (isRoot) process.seteuid?.(65_534);
  try {
    await refused(/this user may not write it|it cannot be opened|it is read-only/);
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(folder, 0o755);
  }
  const again = await start(t, folder);
  await again.stop();
});
