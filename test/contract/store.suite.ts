import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, test } from "node:test";
import type { Store } from "../../src/store/index.ts";
import { createManualWorld, type ManualClock } from "../support/manual-clock.ts";

/** What one adapter gives the suite: stores over the same facts, and a way to clear up. */
export interface StoreSetup {
  /** Opens a store; every call of one setup reaches the same facts where the adapter can. */
  open(world: ReturnType<typeof createManualWorld>): Promise<Store>;
  dispose(): Promise<void>;
}

/** What every adapter of the store port promises. */
export function storeContract(name: string, setUp: () => StoreSetup): void {
  describe(`store contract: ${name}`, () => {
    let setup: StoreSetup;
    let store: Store;
    let clock: ManualClock;
    beforeEach(async () => {
      setup = setUp();
      const world = createManualWorld();
      clock = world.clock;
      store = await setup.open(world);
    });
    afterEach(async () => {
      await store.close();
      await setup.dispose();
    });
    const given = (): { readonly store: Store; readonly clock: ManualClock } => ({ store, clock });
    recordTests(given);
    indexTests(given);
    raceTests(given);
    counterTests(given);
    sweepTests(given);
  });
}

const HOUR = 3_600_000;

type Given = () => { readonly store: Store; readonly clock: ManualClock };

/** Both durability classes. */
const KINDS = ["oidc.AuthorizationCode", "oidc.AccessToken"] as const;

function recordTests(given: Given): void {
  for (const kind of KINDS) {
    test(`a ${kind} comes back as it was written, not as a shared object`, async () => {
      const { store } = given();
      const value = { a: 1, list: ["x", { deep: true }], text: "ü\u0000😀", none: null };
      await store.put(kind, "one", value);
      value.list.push("later");
      const first = await store.get(kind, "one");
      assert.deepEqual(first?.value, { a: 1, list: ["x", { deep: true }], text: "ü\u0000😀", none: null });
      (first.value["list"] as unknown[]).length = 0;
      assert.deepEqual((await store.get(kind, "one"))?.value["list"], ["x", { deep: true }]);
      assert.equal(await store.get(kind, "two"), undefined);
      assert.equal(await store.get(`${kind}x`, "one"), undefined);
    });

    test(`a ${kind} ends at its expiry for every kind of reader`, async () => {
      const { store, clock } = given();
      await store.put(kind, "one", { a: 1 }, { expiresAt: clock.now() + 1000, index: { grant: "g" } });
      clock.advance(999);
      assert.equal((await store.get(kind, "one"))?.expiresAt, clock.now() + 1);
      clock.advance(1);
      assert.equal(await store.get(kind, "one"), undefined);
      assert.deepEqual(await store.findByIndex(kind, "grant", "g"), []);
      assert.deepEqual(await store.list(kind), []);
      assert.equal(await store.consume(kind, "one", clock.now()), false);
      assert.equal(await store.replace(kind, "one", 1, { a: 2 }), false);
      assert.equal(await store.take(kind, "one"), undefined);
      assert.equal(await store.delete(kind, "one"), false);
    });
  }

  test("one of twelve parallel creators of a record wins, and the next one once it expired", async () => {
    const { store, clock } = given();
    const options = { expiresAt: clock.now() + 1000 };
    const created = await Promise.all(
      Array.from({ length: 12 }, (_, by) => store.create("attempt", "new", { by }, options)),
    );
    assert.deepEqual(created.filter(Boolean), [true]);
    assert.equal((await store.get("attempt", "new"))?.value["by"], created.indexOf(true));
    clock.advance(1000);
    assert.equal(await store.create("attempt", "new", { by: 99 }, options), true);
  });

  test("replacing needs the version that was read and keeps expiry, index and the consumed mark", async () => {
    const { store, clock } = given();
    const expiresAt = clock.now() + 5000;
    await store.put("attempt", "a", { step: 1 }, { expiresAt, index: { uid: "u" } });
    await store.consume("attempt", "a", 77);
    const { version = 0 } = (await store.get("attempt", "a")) ?? {};
    assert.equal(await store.replace("attempt", "a", version + 1, { step: 9 }), false);
    assert.equal(await store.replace("attempt", "a", version, { step: 2 }), true);
    assert.equal(await store.replace("attempt", "a", version, { step: 3 }), false);
    const [found] = await store.findByIndex("attempt", "uid", "u");
    assert.deepEqual(found?.record, { value: { step: 2 }, version: version + 1, expiresAt, consumedAt: 77 });
  });

  test("every write of a record makes its version grow", async () => {
    const { store } = given();
    const versions: number[] = [];
    const look = async () => versions.push((await store.get("attempt", "a"))?.version ?? 0);
    await store.put("attempt", "a", { step: 1 });
    await look();
    await store.put("attempt", "a", { step: 2 });
    await look();
    await store.consume("attempt", "a", 1);
    await look();
    assert.deepEqual(versions, [1, 2, 3]);
    assert.equal(await store.replace("attempt", "a", 1, { step: 3 }), false);
  });

  test("writing a record anew clears its consumed mark and its expiry", async () => {
    const { store, clock } = given();
    await store.put("oidc.DeviceCode", "d", { a: 1 }, { expiresAt: clock.now() + 10 });
    assert.equal(await store.consume("oidc.DeviceCode", "d", 5), true);
    await store.put("oidc.DeviceCode", "d", { a: 2 });
    clock.advance(1000);
    const record = await store.get("oidc.DeviceCode", "d");
    assert.deepEqual([record?.consumedAt, record?.expiresAt], [undefined, undefined]);
  });

  test("a value that is not JSON is refused and leaves the record as it was", async () => {
    const { store } = given();
    await store.put("attempt", "a", { step: 1 });
    await assert.rejects(store.put("attempt", "a", { big: 1n }), TypeError);
    await assert.rejects(store.replace("attempt", "a", 1, { big: 1n }), TypeError);
    assert.deepEqual((await store.get("attempt", "a"))?.value, { step: 1 });
  });
}

function indexTests(given: Given): void {
  test("records are found and removed by their index entries, each kind by itself", async () => {
    const { store } = given();
    await store.put("oidc.AccessToken", "a", { n: 1 }, { index: { grant: "g" } });
    await store.put("oidc.AccessToken", "b", { n: 2 }, { index: { grant: "g", account: "demo" } });
    await store.put("oidc.AccessToken", "c", { n: 3 }, { index: { grant: "h" } });
    await store.put("oidc.RefreshToken", "a", { n: 4 }, { index: { grant: "g" } });
    const found = await store.findByIndex("oidc.AccessToken", "grant", "g");
    assert.deepEqual(found.map(({ id }) => id).toSorted(), ["a", "b"]);
    assert.deepEqual(await store.findByIndex("oidc.AccessToken", "account", "g"), []);
    assert.equal(await store.deleteByIndex("oidc.AccessToken", "grant", "g"), 2);
    assert.equal(await store.deleteByIndex("oidc.AccessToken", "grant", "g"), 0);
    assert.deepEqual(await store.findByIndex("oidc.AccessToken", "account", "demo"), []);
    assert.notEqual(await store.get("oidc.AccessToken", "c"), undefined);
    assert.notEqual(await store.get("oidc.RefreshToken", "a"), undefined);
  });

  test("writing a record anew replaces its index entries, also by none", async () => {
    const { store } = given();
    await store.put("oidc.Session", "s", { n: 1 }, { index: { uid: "old" } });
    await store.put("oidc.Session", "s", { n: 2 }, { index: { uid: "new" } });
    assert.deepEqual(await store.findByIndex("oidc.Session", "uid", "old"), []);
    assert.equal((await store.findByIndex("oidc.Session", "uid", "new")).length, 1);
    await store.put("oidc.Session", "s", { n: 3 });
    assert.deepEqual(await store.findByIndex("oidc.Session", "uid", "new"), []);
  });

  test("a removed record leaves no index entry that a later record of the same id would inherit", async () => {
    const { store } = given();
    await store.put("oidc.Session", "s", { n: 1 }, { index: { uid: "u" } });
    assert.equal(await store.delete("oidc.Session", "s"), true);
    await store.put("oidc.Session", "s", { n: 2 });
    assert.deepEqual(await store.findByIndex("oidc.Session", "uid", "u"), []);
  });

  test("listing gives all live records of one kind", async () => {
    const { store } = given();
    await store.put("key", "a", { n: 1 });
    await store.put("key", "b\u0000c", { n: 2 });
    await store.put("keys", "d", { n: 3 });
    assert.deepEqual((await store.list("key")).map(({ id }) => id).toSorted(), ["a", "b\u0000c"]);
  });
}

function twelve<Value>(run: () => Promise<Value>): Promise<Value[]> {
  return Promise.all(Array.from({ length: 12 }, run));
}

function raceTests(given: Given): void {
  for (const kind of KINDS) {
    test(`of twelve parallel takers of one ${kind} one gets it`, async () => {
      const { store } = given();
      await store.put(kind, "one", { a: 1 });
      const taken = await twelve(() => store.take(kind, "one"));
      assert.deepEqual(
        taken.filter((record) => record !== undefined).map(({ value }) => value),
        [{ a: 1 }],
      );
      assert.equal(await store.get(kind, "one"), undefined);
    });

    test(`of twelve parallel consumers of one ${kind} one succeeds, and its moment stays`, async () => {
      const { store } = given();
      await store.put(kind, "one", { a: 1 });
      let at = 0;
      const won = await twelve(() => store.consume(kind, "one", (at += 1)));
      assert.equal(won.filter(Boolean).length, 1);
      assert.equal((await store.get(kind, "one"))?.consumedAt, 1);
      assert.equal(await store.consume(kind, "absent", 1), false);
    });
  }

  test("of twelve parallel replacements of one version one succeeds", async () => {
    const { store } = given();
    await store.put("attempt", "a", { step: 1 });
    const won = await twelve(() => store.replace("attempt", "a", 1, { step: 2 }));
    assert.equal(won.filter(Boolean).length, 1);
  });

  test("a mark is given once until it expires, and then once more", async () => {
    const { store, clock } = given();
    const mark = () => store.consumeOnce("totp", "demo 123", clock.now() + 1000);
    assert.equal((await twelve(mark)).filter(Boolean).length, 1);
    clock.advance(999);
    assert.equal(await mark(), false);
    assert.equal(await store.consumeOnce("totp", "demo 124", clock.now() + 1), true);
    clock.advance(1);
    assert.equal((await twelve(mark)).filter(Boolean).length, 1);
  });

  test("twelve parallel increments count to twelve in one window", async () => {
    const { store, clock } = given();
    const counters = await twelve(() => store.increment("throttle", "demo", 60_000));
    assert.deepEqual(
      counters.map(({ count }) => count).toSorted((a, b) => a - b),
      Array.from({ length: 12 }, (_, position) => position + 1),
    );
    assert.deepEqual(new Set(counters.map(({ expiresAt }) => expiresAt)), new Set([clock.now() + 60_000]));
  });
}

function counterTests(given: Given): void {
  test("a counter starts anew when its window is over or it is reset", async () => {
    const { store, clock } = given();
    await store.increment("throttle", "demo", 1000);
    clock.advance(600);
    assert.deepEqual(await store.increment("throttle", "demo", 1000), { count: 2, expiresAt: clock.now() + 400 });
    clock.advance(400);
    assert.equal(await store.counter("throttle", "demo"), undefined);
    assert.deepEqual(await store.increment("throttle", "demo", 1000), { count: 1, expiresAt: clock.now() + 1000 });
    await store.resetCounter("throttle", "demo");
    assert.equal(await store.counter("throttle", "demo"), undefined);
    assert.equal((await store.increment("throttle", "demo", 1000)).count, 1);
  });
  test("a counter that is renewed lasts as long from now, and counts on", async () => {
    const { store, clock } = given();
    const renew = () => store.increment("throttle", "demo", 1000, { renew: true });
    await renew();
    clock.advance(999);
    assert.deepEqual(await renew(), { count: 2, expiresAt: clock.now() + 1000 });
    assert.deepEqual(await store.increment("throttle", "demo", 5000), { count: 3, expiresAt: clock.now() + 1000 });
    clock.advance(1000);
    assert.deepEqual(await renew(), { count: 1, expiresAt: clock.now() + 1000 });
  });
  test("counters are listed by the beginning of their id, those of other kinds and of windows that are over are not", async () => {
    const { store, clock } = given();
    await store.increment("throttle", "a%", 1000);
    clock.advance(1000);
    for (const id of ["a_b", "a_b", "a_b@device", "axb"]) await store.increment("throttle", id, 1000);
    await store.increment("throttle.factor", "a_b", 1000);
    const listed = async (prefix: string): Promise<readonly string[]> =>
      (await store.counters("throttle", prefix)).map(({ id, count }) => `${id} ${count}`).toSorted();
    assert.deepEqual(await listed("a_"), ["a_b 2", "a_b@device 1"]);
    assert.deepEqual(await listed(""), ["a_b 2", "a_b@device 1", "axb 1"]);
    assert.deepEqual(await listed("nothing"), []);
  });
}

function sweepTests(given: Given): void {
  test("sweeping removes what has expired, however much that is, and nothing else", async () => {
    const { store, clock } = given();
    const expiresAt = clock.now() + 1000;
    const many = Array.from({ length: 450 }, (_, position) => `r${position}`);
    await Promise.all(many.map((id) => store.put("oidc.AccessToken", id, {}, { expiresAt, index: { grant: "g" } })));
    await store.put("oidc.AccessToken", "stays", {}, { expiresAt: expiresAt + 1 });
    await store.put("key", "forever", {});
    await store.consumeOnce("jti", "old", expiresAt);
    await store.consumeOnce("jti", "young", expiresAt + 1);
    await store.increment("throttle", "demo", 1000);
    assert.equal(await store.sweep(), 0);
    clock.advance(1000);
    assert.equal(await store.sweep(), 451);
    assert.equal(await store.sweep(), 0);
    assert.notEqual(await store.get("oidc.AccessToken", "stays"), undefined);
    assert.notEqual(await store.get("key", "forever"), undefined);
    assert.equal(await store.consumeOnce("jti", "young", expiresAt + 9), false);
    assert.equal(await store.consumeOnce("jti", "old", expiresAt + 9), true);
    clock.advance(3 * HOUR);
    assert.equal(await store.sweep(), 3);
    await store.ping();
  });

  test("a clock that goes forward an hour and comes back lets no mark be given twice", async () => {
    const { store, clock } = given();
    const until = clock.now() + 60_000;
    assert.equal(await store.consumeOnce("factor.totp", "step", until), true);
    clock.jump(HOUR);
    assert.equal(await store.sweep(), 0);
    clock.jump(-HOUR);
    assert.equal(await store.consumeOnce("factor.totp", "step", until), false);
  });

  test("a window opened by a clock that went back since is no longer than any other", async () => {
    const { store, clock } = given();
    clock.jump(HOUR);
    await store.increment("throttle", "demo", 1000);
    clock.jump(-HOUR);
    assert.deepEqual(await store.increment("throttle", "demo", 1000), { count: 2, expiresAt: clock.now() + 1000 });
    clock.advance(1000);
    assert.equal((await store.increment("throttle", "demo", 1000)).count, 1);
  });
}
