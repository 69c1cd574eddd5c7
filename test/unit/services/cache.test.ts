import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { createCache } from "../../../src/lua/services/cache.ts";

let now = 0;
let cache: ReturnType<typeof createCache>;
beforeEach(() => {
  now = 0;
  cache = createCache({ now: () => now, monotonic: () => now, sleep: () => Promise.resolve() });
});

test("a value is there until its seconds are over", () => {
  assert.equal(cache("set", ["k", "v", 2]), "OK");
  now = 1_999;
  assert.equal(cache("get", ["k"]), "v");
  assert.equal(cache("exists", ["k"]), true);
  now = 2_000;
  assert.equal(cache("get", ["k"]), null);
  assert.equal(cache("exists", ["k"]), false);
  assert.equal(cache("size", []), 0);
});

test("a value without a time stays until it is deleted", () => {
  cache("set", ["k", { a: [1, 2] }, 0]);
  now = Number.MAX_SAFE_INTEGER;
  assert.deepEqual(cache("get", ["k"]), { a: [1, 2] });
  assert.equal(cache("delete", ["k"]), true);
  assert.equal(cache("delete", ["k"]), false);
});

test("pushed values come back in order, once", () => {
  assert.equal(cache("push", ["q", "a"]), 1);
  assert.equal(cache("push", ["q", "b"]), 2);
  assert.deepEqual(cache("pop_all", ["q"]), ["a", "b"]);
  assert.deepEqual(cache("pop_all", ["q"]), []);
});

test("keys, size and flush see what is there", () => {
  cache("set", ["a", 1]);
  cache("set", ["b", 2]);
  assert.deepEqual(cache("keys", []), ["a", "b"]);
  assert.equal(cache("size", []), 2);
  cache("flush", []);
  assert.equal(cache("size", []), 0);
});

test("neither many keys nor one long list grows for ever", () => {
  for (let index = 0; index <= 10_000; index += 1) cache("set", [`k${index}`, index]);
  assert.equal(cache("size", []), 10_000);
  assert.equal(cache("get", ["k0"]), null);
  assert.equal(cache("get", ["k10000"]), 10_000);
  cache("set", ["q", Array.from({ length: 10_000 }, (_, index) => index)]);
  assert.equal(cache("push", ["q", "last"]), 10_000);
  const all = cache("pop_all", ["q"]) as readonly unknown[];
  assert.deepEqual([all[0], all.at(-1)], [1, "last"]);
});
