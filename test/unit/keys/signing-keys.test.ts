import assert from "node:assert/strict";
import { test } from "node:test";
import { createSigningKeys, jwksOf, type SigningKey } from "../../../src/keys/index.ts";
import { openStore } from "../../../src/store/index.ts";
import { createFaultPlan, faultyStore } from "../../support/faulty-store.ts";
import { createManualWorld } from "../../support/manual-clock.ts";

const HOUR = 3_600_000;
const POLICY = { publish: 24 * HOUR, retire: 72 * HOUR, rotate: undefined };

async function given() {
  const world = createManualWorld();
  const store = await openStore("memory:", world);
  return { world, store, keys: createSigningKeys({ store, world }) };
}

const states = (keys: readonly SigningKey[], alg = "RS256"): string =>
  keys
    .filter((key) => key.alg === alg)
    .map(({ state }) => state)
    .join(" ");

test("a rotated key is published first, signs after that, and the old one stays published until what it signed is over", async () => {
  const { world, keys } = await given();
  const first = await keys.advance(POLICY);
  assert.equal(states(first), "active");
  const old = jwksOf(first).keys[0]?.kid;
  await keys.rotate("published");
  const waiting = await keys.advance(POLICY);
  assert.equal(states(waiting), "active next");
  assert.equal(jwksOf(waiting).keys[0]?.kid, old, "the old one still signs");
  assert.equal(jwksOf(waiting).keys.length, 6);
  world.clock.advance(25 * HOUR);
  const moved = await keys.advance(POLICY);
  assert.equal(states(moved), "retired active");
  assert.notEqual(jwksOf(moved).keys[0]?.kid, old);
  assert.ok(jwksOf(moved).keys.some(({ kid }) => kid === old));
  world.clock.advance(73 * HOUR);
  const over = await keys.advance(POLICY);
  assert.equal(states(over), "active");
  assert.ok(!jwksOf(over).keys.some(({ kid }) => kid === old));
});

test("on a schedule the next key is there in time, again and again, and nothing changes in between", async () => {
  const { world, keys } = await given();
  const policy = { ...POLICY, rotate: 240 * HOUR };
  const signers = new Set<string | undefined>();
  for (let hours = 0; hours < 1_000; hours += 12) {
    const before = await keys.list();
    const now = await keys.advance(policy);
    signers.add(jwksOf(now).keys[0]?.kid);
    assert.equal(now.filter(({ alg, state }) => alg === "RS256" && state === "active").length, 1);
    if (hours === 12) assert.deepEqual(now, before);
    world.clock.advance(12 * HOUR);
  }
  assert.ok(signers.size >= 4 && signers.size <= 5, String(signers.size));
});

test("a stolen key is out of use at once, and still published", async () => {
  const { keys } = await given();
  const before = await keys.advance(POLICY);
  const after = await keys.rotate("now");
  assert.equal(states(after), "retired active");
  assert.notEqual(jwksOf(after).keys[0]?.kid, jwksOf(before).keys[0]?.kid);
  assert.equal(jwksOf(after).keys.length, 6);
});

test("two instances and a command that change keys at once end with one list", async () => {
  const { world, store } = await given();
  const several = Array.from({ length: 4 }, () => createSigningKeys({ store, world }));
  await Promise.all(several.map((keys) => keys.advance(POLICY)));
  await Promise.all(several.slice(0, 2).map((keys) => keys.rotate("published")));
  const list = await several[0]?.list();
  assert.equal(states(list ?? []), "active next");
});

test("a rotation that breaks off at any call of the store leaves the old keys or all of the new ones", async () => {
  for (const when of ["published", "now"] as const) {
    const { world, store, keys } = await given();
    await keys.advance(POLICY);
    const plan = createFaultPlan();
    const interrupted = createSigningKeys({ store: faultyStore(store, plan), world });
    let calls = 0;
    for (let at = 1; calls === 0; at += 1) {
      for (const mode of ["fail-before", "fail-after"] as const) {
        const before = await keys.list();
        plan.arm({ mode, at });
        const isBroken = await plan
          .within(() => interrupted.rotate(when))
          .then(
            () => false,
            () => true,
          );
        const made = plan.disarm().length;
        if (!isBroken) calls = made;
        const after = await keys.list();
        const fresh = after.filter(({ jwk }) => !before.some((known) => known.jwk.kid === jwk.kid));
        if (fresh.length === 0) assert.deepEqual(after, before);
        else assert.deepEqual(fresh.map(({ alg }) => alg).toSorted(), ["ES256", "EdDSA", "RS256"]);
        for (const alg of ["RS256", "ES256", "EdDSA"])
          assert.equal(after.filter((key) => key.alg === alg && key.state === "active").length, 1, `${mode} ${at}`);
      }
    }
    assert.ok(calls >= 2, "the store was read and written");
  }
});
