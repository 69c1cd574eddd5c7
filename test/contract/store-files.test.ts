import assert from "node:assert/strict";
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { IdpError } from "../../src/kernel/index.ts";
import { backupStore, checkStore, openStore, restoreStore, type Store } from "../../src/store/index.ts";
import { createManualWorld } from "../support/manual-clock.ts";

const LATER = Number.MAX_SAFE_INTEGER;
const GENTLE = { force: false, keepSessions: false };

function places(t: TestContext): { readonly folder: string; readonly file: string; readonly copy: string } {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-files-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, file: join(folder, "store.db"), copy: join(folder, "copy.db") };
}

async function using<Value>(file: string, work: (store: Store) => Promise<Value>): Promise<Value> {
  const store = await openStore(`sqlite:${file}`, createManualWorld());
  try {
    return await work(store);
  } finally {
    await store.close();
  }
}

/** Keys, sessions, and something of which one copy is used up. */
async function fillUp(store: Store): Promise<void> {
  await store.put("key", "signing", { n: 1 });
  await store.put("identity", "u-demo", { n: 1 }, { index: { name: "demo" } });
  await store.put("oidc.Session", "s", { n: 1 }, { index: { account: "u-demo" } });
  await store.put("oidc.RefreshToken", "r", { n: 1 }, { index: { grant: "g" } });
  await store.put("device.trust", "d", { n: 1 });
  await store.consumeOnce("factor.totp", "before", LATER);
  await store.increment("throttle.account", "demo", 3_600_000);
}

const refusal =
  (why: RegExp) =>
  (error: unknown): boolean => {
    assert.ok(error instanceof IdpError && error.code === "STORE_UNAVAILABLE");
    assert.match(String(error.facts["because"]), why);
    assert.ok(typeof error.facts["file"] === "string" && typeof error.facts["repair"] === "string");
    return true;
  };

test("a backup is made while the store is used, for its owner only, and holds what was acknowledged before it", async (t) => {
  const { folder, file, copy } = places(t);
  await using(file, async (store) => {
    await fillUp(store);
    const writing = store.put("identity", "during", {});
    assert.deepEqual(await backupStore(file, copy), { records: 5, problems: [] });
    await writing;
    await store.put("identity", "after", {});
  });
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  assert.deepEqual(readdirSync(folder).toSorted(), ["copy.db", "store.db"]);
  await assert.rejects(backupStore(file, copy), refusal(/there already/));
  await using(copy, async (store) => {
    assert.equal(await store.consumeOnce("factor.totp", "before", LATER), false);
    assert.equal(await store.get("identity", "after"), undefined);
    assert.equal((await store.findByIndex("oidc.RefreshToken", "grant", "g")).length, 1);
  });
});

test("a restore brings back keys and people, ends sessions, and leaves used up what was used since", async (t) => {
  const { folder, file, copy } = places(t);
  await using(file, async (store) => {
    await fillUp(store);
    await backupStore(file, copy);
    await store.consumeOnce("factor.totp", "since", LATER);
    await store.create("factor.used-code", "since", {});
    await store.put("key", "signing", { n: 2 });
  });
  await assert.rejects(restoreStore(copy, file, GENTLE), refusal(/it has 6 records/));
  assert.deepEqual(await restoreStore(copy, file, { ...GENTLE, force: true }), {
    records: 2,
    leftOut: 3,
    knowsUsed: true,
  });
  assert.deepEqual(readdirSync(folder).toSorted(), ["copy.db", "store.db"]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await using(file, async (store) => {
    assert.equal((await store.get("key", "signing"))?.value["n"], 1);
    assert.equal((await store.findByIndex("identity", "name", "demo")).length, 1);
    for (const [kind, id] of [
      ["oidc.Session", "s"],
      ["oidc.RefreshToken", "r"],
      ["device.trust", "d"],
    ] as const)
      assert.equal(await store.get(kind, id), undefined, kind);
    assert.equal((await store.findByIndex("oidc.Session", "account", "u-demo")).length, 0);
    assert.equal(await store.consumeOnce("factor.totp", "before", LATER), false);
    assert.equal(await store.consumeOnce("factor.totp", "since", LATER), false);
    assert.equal(await store.create("factor.used-code", "since", {}), false);
    assert.equal(await store.counter("throttle.account", "demo"), undefined);
  });
});

test("with sessions kept, everything comes back; a store that is missing is made", async (t) => {
  const { file, copy } = places(t);
  await using(file, async (store) => {
    await fillUp(store);
    await backupStore(file, copy);
  });
  rmSync(file);
  const done = await restoreStore(copy, file, { force: false, keepSessions: true });
  assert.deepEqual(done, { records: 5, leftOut: 0, knowsUsed: false });
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await using(file, async (store) => {
    assert.equal((await store.get("oidc.Session", "s"))?.value["n"], 1);
    assert.equal((await store.findByIndex("oidc.RefreshToken", "grant", "g")).length, 1);
  });
});

test("a store in use is not replaced, and goes on", async (t) => {
  const { file, copy } = places(t);
  await using(file, async (store) => {
    await fillUp(store);
    await backupStore(file, copy);
    await assert.rejects(restoreStore(copy, file, { ...GENTLE, force: true }), refusal(/a process uses it/));
    assert.equal((await store.get("oidc.Session", "s"))?.value["n"], 1);
    await store.put("identity", "after", {});
  });
  await using(file, async (store) => assert.notEqual(await store.get("identity", "after"), undefined));
});

test("a damaged, foreign or missing backup changes nothing", async (t) => {
  const { folder, file, copy } = places(t);
  await using(file, fillUp);
  const before = readFileSync(file);
  await backupStore(file, copy);
  truncateSync(copy, 8_192);
  await assert.rejects(restoreStore(copy, file, { ...GENTLE, force: true }), refusal(/damaged/));
  writeFileSync(copy, "text");
  await assert.rejects(restoreStore(copy, file, { ...GENTLE, force: true }), refusal(/not a database/));
  writeFileSync(copy, "");
  await assert.rejects(restoreStore(copy, file, { ...GENTLE, force: true }), refusal(/empty/));
  await assert.rejects(
    restoreStore(join(folder, "none.db"), file, { ...GENTLE, force: true }),
    refusal(/cannot be opened/),
  );
  await assert.rejects(backupStore(join(folder, "none.db"), join(folder, "new.db")), refusal(/cannot be opened/));
  assert.equal(existsSync(join(folder, "none.db")), false);
  assert.deepEqual(readFileSync(file), before);
  // A reader leaves the empty files of the WAL behind.
  const names = readdirSync(folder).filter((name) => !/-(?:wal|shm)$/.test(name));
  assert.deepEqual(names.toSorted(), ["copy.db", "store.db"]);
});

test("a damaged store is replaced only when that is wanted", async (t) => {
  const { folder, file, copy } = places(t);
  await using(file, async (store) => {
    await fillUp(store);
    await backupStore(file, copy);
  });
  truncateSync(file, 8_192);
  await assert.rejects(async () => checkStore(file), refusal(/damaged/));
  await assert.rejects(restoreStore(copy, file, GENTLE), refusal(/damaged/));
  assert.equal((await restoreStore(copy, file, { ...GENTLE, force: true })).knowsUsed, false);
  assert.deepEqual(readdirSync(folder).toSorted(), ["copy.db", "store.db"]);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  await using(file, async (store) => assert.equal((await store.get("key", "signing"))?.value["n"], 1));
});
