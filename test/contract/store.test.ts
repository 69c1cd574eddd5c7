import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { realWorld } from "../../src/app/index.ts";
import { openStore, type Store } from "../../src/store/index.ts";

const folder = mkdtempSync(join(tmpdir(), "moonlatch-store-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const time = { now: 1_000_000 };
const world = { ...realWorld(), clock: { ...realWorld().clock, now: () => time.now } };
let files = 0;
const fresh: Readonly<Record<string, () => Promise<Store>>> = {
  memory: () => openStore("memory:", world),
  sqlite: () => openStore(`sqlite:${join(folder, `${(files += 1)}.db`)}`, world),
};

for (const [name, open] of Object.entries(fresh)) {
  describe(`the ${name} store`, () => {
    const with12 = async (work: (store: Store) => Promise<unknown>) => {
      const store = await open();
      const answers = await Promise.all(Array.from({ length: 12 }, () => work(store)));
      await store.close();
      return answers;
    };

    test("gives back what was put, under the kind it was put, until it expires", async () => {
      const store = await open();
      await store.put("a", "1", { text: "ä\u0000", list: [1, null] }, { expiresAt: time.now + 10 });
      assert.deepEqual((await store.get("a", "1"))?.value, { text: "ä\u0000", list: [1, null] });
      assert.equal(await store.get("b", "1"), undefined);
      time.now += 10;
      assert.equal(await store.get("a", "1"), undefined);
      assert.equal(await store.sweep(), 1);
      await store.close();
    });

    test("lets one of twelve parallel takers have a record", async () => {
      const store = await open();
      await store.put("code", "x", { a: 1 });
      const taken = await Promise.all(Array.from({ length: 12 }, () => store.take("code", "x")));
      assert.equal(taken.filter((record) => record !== undefined).length, 1);
      await store.close();
    });

    test("lets one of twelve parallel callers consume a record, and none an absent one", async () => {
      const store = await open();
      await store.put("code", "x", { a: 1 });
      const consumed = await Promise.all(Array.from({ length: 12 }, () => store.consume("code", "x", time.now)));
      assert.equal(consumed.filter(Boolean).length, 1);
      assert.equal((await store.get("code", "x"))?.consumedAt, time.now);
      assert.equal(await store.consume("code", "absent", time.now), false);
      await store.close();
    });

    test("lets one of twelve be the first with a mark, and the next one after it expired", async () => {
      const answers = await with12((store) => store.consumeOnce("jti", "x", time.now + 10));
      assert.equal(answers.filter(Boolean).length, 1);
      const store = await open();
      assert.equal(await store.consumeOnce("jti", "x", time.now + 10), true);
      assert.equal(await store.consumeOnce("jti", "x", time.now + 10), false);
      time.now += 11;
      assert.equal(await store.consumeOnce("jti", "x", time.now + 10), true);
      await store.close();
    });

    test("counts every parallel increment once, and starts anew after the window", async () => {
      const counts = (await with12((store) => store.increment("t", "x", 100))) as { count: number }[];
      assert.deepEqual(counts.map(({ count }) => count).toSorted((a, b) => a - b), Array.from({ length: 12 }, (_, index) => index + 1));
      const store = await open();
      await store.increment("t", "x", 100);
      time.now += 101;
      assert.equal((await store.increment("t", "x", 100)).count, 1);
      await store.resetCounter("t", "x");
      assert.equal(await store.counter("t", "x"), undefined);
      await store.close();
    });

    test("replaces only the version that was read", async () => {
      const store = await open();
      await store.put("a", "1", { step: 0 });
      const version = (await store.get("a", "1"))?.version ?? -1;
      const replaced = await Promise.all(Array.from({ length: 12 }, (_, step) => store.replace("a", "1", version, { step })));
      assert.equal(replaced.filter(Boolean).length, 1);
      await store.close();
    });

    test("finds and deletes by index, and forgets the index with the record", async () => {
      const store = await open();
      await store.put("t", "1", { a: 1 }, { index: { grant: "g" } });
      await store.put("t", "2", { a: 2 }, { index: { grant: "g" } });
      await store.put("t", "3", { a: 3 }, { index: { grant: "other" } });
      assert.deepEqual((await store.findByIndex("t", "grant", "g")).map(({ id }) => id).toSorted(), ["1", "2"]);
      await store.put("t", "2", { a: 2 }, { index: { grant: "moved" } });
      assert.equal(await store.deleteByIndex("t", "grant", "g"), 1);
      assert.equal(await store.get("t", "1"), undefined);
      assert.equal((await store.list("t")).length, 2);
      await store.close();
    });
  });
}

test("a SQLite store keeps facts, consumed marks and counters over a restart, in a file for its owner alone", async () => {
  const path = join(folder, "restart.db");
  const first = await openStore(`sqlite:${path}`, world);
  await first.put("code", "x", { a: 1 });
  await first.consume("code", "x", time.now);
  await first.consumeOnce("jti", "x", time.now + 1_000);
  await first.close();
  const { statSync } = await import("node:fs");
  assert.equal(statSync(path).mode & 0o077, 0);
  const second = await openStore(`sqlite:${path}`, world);
  assert.equal(await second.consume("code", "x", time.now), false);
  assert.equal(await second.consumeOnce("jti", "x", time.now + 1_000), false);
  await second.close();
});

test("two stores on one file share what is single-use", async () => {
  const path = join(folder, "shared.db");
  const stores = await Promise.all([openStore(`sqlite:${path}`, world), openStore(`sqlite:${path}`, world)]);
  const answers = await Promise.all(Array.from({ length: 12 }, (_, index) => stores[index % 2]?.consumeOnce("jti", "x", time.now + 1_000)));
  assert.equal(answers.filter(Boolean).length, 1);
  await Promise.all(stores.map((store) => store.close()));
});

test("a place that cannot be opened is STORE_UNAVAILABLE", async () => {
  await assert.rejects(openStore(`sqlite:${folder}`, world), { code: "STORE_UNAVAILABLE" });
});
