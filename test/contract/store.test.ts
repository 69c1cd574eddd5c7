import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { IdpError } from "../../src/kernel/index.ts";
import { openStore } from "../../src/store/index.ts";
import { createManualWorld } from "../support/manual-clock.ts";
import { storeContract } from "./store.suite.ts";

storeContract("memory", () => ({ open: (world) => openStore("memory:", world), dispose: async () => undefined }));

storeContract("sqlite", () => {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-store-"));
  return {
    open: (world) => openStore(`sqlite:${join(folder, "store.db")}`, world),
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
});

function isUnavailable(error: unknown): boolean {
  return error instanceof IdpError && error.code === "STORE_UNAVAILABLE";
}

/** A path for a database in a folder that goes away after the test. */
function pathFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-store-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "data", "store.db");
}

test("a sqlite store makes its folder and files for the owner only", async (context) => {
  const path = pathFor(context);
  const store = await openStore(`sqlite:${path}`, createManualWorld());
  context.after(() => store.close());
  await store.put("key", "a", { n: 1 });
  const files = readdirSync(join(path, ".."));
  assert.ok(files.includes("store.db-wal"));
  for (const name of files) assert.equal(statSync(join(path, "..", name)).mode & 0o777, 0o600, name);
  assert.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
});

test("facts of a sqlite store outlive the store, consumed marks and counters included", async (context) => {
  const path = pathFor(context);
  const world = createManualWorld();
  const before = await openStore(`sqlite:${path}`, world);
  const until = world.clock.now() + 1000;
  await before.put("oidc.AuthorizationCode", "c", { n: 1 }, { expiresAt: until, index: { grant: "g" } });
  await before.consume("oidc.AuthorizationCode", "c", 5);
  await before.consumeOnce("jti", "j", until);
  await before.increment("throttle", "demo", 1000);
  await before.close();
  await assert.rejects(before.get("oidc.AuthorizationCode", "c"), isUnavailable);
  await assert.rejects(before.put("oidc.AuthorizationCode", "c", {}), isUnavailable);

  const after = await openStore(`sqlite:${path}`, world);
  context.after(() => after.close());
  const [found] = await after.findByIndex("oidc.AuthorizationCode", "grant", "g");
  assert.deepEqual(found, { id: "c", record: { value: { n: 1 }, version: 2, expiresAt: until, consumedAt: 5 } });
  assert.equal(await after.consumeOnce("jti", "j", until), false);
  assert.equal((await after.increment("throttle", "demo", 1000)).count, 2);
});

test("closing a sqlite store keeps the writes that still wait", async (context) => {
  const path = pathFor(context);
  const before = await openStore(`sqlite:${path}`, createManualWorld());
  const writes = [before.put("key", "a", { n: 1 }), before.put("oidc.AccessToken", "b", { n: 2 })];
  await before.close();
  await Promise.all(writes);
  const after = await openStore(`sqlite:${path}`, createManualWorld());
  context.after(() => after.close());
  assert.equal((await after.get("key", "a"))?.value["n"], 1);
  assert.equal((await after.get("oidc.AccessToken", "b"))?.value["n"], 2);
});

test("two stores on one sqlite file see each other's facts and share every race", async (context) => {
  const path = pathFor(context);
  const world = createManualWorld();
  const stores = await Promise.all([openStore(`sqlite:${path}`, world), openStore(`sqlite:${path}`, world)]);
  context.after(() => Promise.all(stores.map((store) => store.close())));
  const [one, two] = stores;
  await one.put("oidc.AuthorizationCode", "c", { n: 1 });
  await two.put("oidc.AccessToken", "t", { n: 2 });
  assert.equal((await two.get("oidc.AuthorizationCode", "c"))?.value["n"], 1);
  assert.equal((await one.get("oidc.AccessToken", "t"))?.value["n"], 2);
  const everywhere = <Value>(run: (store: typeof one) => Promise<Value>): Promise<Value[]> =>
    Promise.all([one, two, one, two, one, two, one, two, one, two, one, two].map(run));
  assert.equal(
    (await everywhere((store) => store.consume("oidc.AuthorizationCode", "c", 1))).filter(Boolean).length,
    1,
  );
  assert.equal(
    (await everywhere((store) => store.consumeOnce("jti", "j", Number.MAX_SAFE_INTEGER))).filter(Boolean).length,
    1,
  );
  const counts = await everywhere(async (store) => (await store.increment("throttle", "demo", 1000)).count);
  assert.equal(new Set(counts).size, 12);
  const taken = await everywhere((store) => store.take("oidc.AuthorizationCode", "c"));
  assert.equal(taken.filter((record) => record !== undefined).length, 1);
});

test("four programs that start together on one new sqlite file count every increment and give every mark once", async (context) => {
  const path = pathFor(context);
  const program = fileURLToPath(import.meta.resolve("../support/store-race.ts"));
  const children = Array.from({ length: 4 }, () =>
    spawn(process.execPath, [program, path], { stdio: ["ignore", "pipe", "inherit"] }),
  );
  context.after(() => children.map((child) => child.kill()));
  const outputs = await Promise.all(
    children.map(async (child) => {
      let text = "";
      child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
      const [code] = (await once(child, "close")) as [number | null];
      assert.equal(code, 0);
      return JSON.parse(text) as { marks: string[]; last: number };
    }),
  );
  const marks = outputs.flatMap((output) => output.marks);
  assert.equal(marks.length, 50);
  assert.equal(new Set(marks).size, 50);
  assert.equal(Math.max(...outputs.map(({ last }) => last)), 200);
});

test("facts acknowledged by a program that is then killed are there after a new start", async (context) => {
  const path = pathFor(context);
  const program = fileURLToPath(import.meta.resolve("../support/store-writer.ts"));
  const child = spawn(process.execPath, [program, path], { stdio: ["ignore", "pipe", "inherit"] });
  context.after(() => child.kill("SIGKILL"));
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
    if (text.split("\n").length > 100) child.kill("SIGKILL");
  });
  await once(child, "close");
  const acknowledged = text.split("\n").slice(0, -1);
  assert.ok(acknowledged.length >= 100);
  const store = await openStore(`sqlite:${path}`, createManualWorld());
  context.after(() => store.close());
  for (const id of acknowledged) {
    assert.equal((await store.get("oidc.AuthorizationCode", id))?.consumedAt, 1, id);
    assert.notEqual(await store.get("oidc.AccessToken", id), undefined, id);
  }
});

test("a lock of another program delays writes, holds up no reads, and ends in STORE_UNAVAILABLE", async (context) => {
  const path = pathFor(context);
  const world = createManualWorld();
  const store = await openStore(`sqlite:${path}`, world);
  context.after(() => store.close());
  await store.put("key", "a", { n: 1 });
  const other = new DatabaseSync(path);
  context.after(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  const started = world.clock.monotonic();
  const write = store.put("key", "b", { n: 2 });
  assert.equal((await store.get("key", "a"))?.value["n"], 1);
  await assert.rejects(write, isUnavailable);
  assert.ok(world.clock.monotonic() - started >= 5_000);
  await assert.rejects(store.ping(), isUnavailable);
  other.exec("COMMIT");
  await store.ping();
  await store.put("key", "b", { n: 3 });
  assert.equal((await store.get("key", "b"))?.value["n"], 3);
});

test("a write that met a lock succeeds when the lock goes in time, in the order it was asked for", async (context) => {
  const path = pathFor(context);
  const world = createManualWorld();
  const store = await openStore(`sqlite:${path}`, world);
  context.after(() => store.close());
  const other = new DatabaseSync(path);
  context.after(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  const first = store.put("key", "a", { n: 1 });
  for (let turns = 0; turns < 5; turns += 1) await new Promise((resolve) => setImmediate(resolve));
  const second = store.put("key", "a", { n: 2 });
  other.exec("COMMIT");
  await Promise.all([first, second]);
  assert.deepEqual([(await store.get("key", "a"))?.value["n"], (await store.get("key", "a"))?.version], [2, 2]);
});

test("an impossible write fails alone, not with those that share its transaction", async (context) => {
  const store = await openStore(`sqlite:${pathFor(context)}`, createManualWorld());
  context.after(() => store.close());
  const broken = { expiresAt: Symbol("no number") as unknown as number };
  const [before, bad, after] = await Promise.allSettled([
    store.put("key", "a", { n: 1 }),
    store.put("key", "b", { n: 2 }, broken),
    store.increment("throttle", "x", 1000).then(() => store.put("key", "c", { n: 3 })),
  ]);
  assert.deepEqual([before.status, bad.status, after.status], ["fulfilled", "rejected", "fulfilled"]);
  assert.ok(bad.status === "rejected" && isUnavailable(bad.reason));
  assert.deepEqual((await store.list("key")).map(({ id }) => id).toSorted(), ["a", "c"]);
});

test("what is no store of ours is refused at the start with STORE_UNAVAILABLE", async (context) => {
  const path = pathFor(context);
  const folder = join(path, "..", "..");
  const world = createManualWorld();
  writeFileSync(join(folder, "text.db"), "this is not a database, but long enough to be mistaken for one".repeat(100));
  await assert.rejects(openStore(`sqlite:${join(folder, "text.db")}`, world), isUnavailable);
  await assert.rejects(openStore(`sqlite:${join(folder, "text.db", "below.db")}`, world), isUnavailable);
  await assert.rejects(openStore(`sqlite:${folder}`, world), isUnavailable);
  await assert.rejects(openStore("sqlite:relative.db", world), isUnavailable);
  await assert.rejects(openStore("sqlite:", world), isUnavailable);
  await assert.rejects(openStore("redis://localhost", world), isUnavailable);
  const newer = new DatabaseSync(join(folder, "newer.db"));
  newer.exec("PRAGMA user_version = 99");
  newer.close();
  await assert.rejects(openStore(`sqlite:${join(folder, "newer.db")}`, world), (error: unknown) => {
    assert.ok(isUnavailable(error) && error instanceof IdpError);
    assert.match(String(error.facts["because"]), /version 99/);
    return true;
  });
});
