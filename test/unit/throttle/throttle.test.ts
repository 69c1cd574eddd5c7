import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openStore } from "../../../src/store/index.ts";
import { type AttemptSubject, createThrottle, type ThrottleLimits } from "../../../src/throttle/index.ts";
import { createManualWorld } from "../../support/manual-clock.ts";

const MINUTE = 60_000;
const LIMITS: ThrottleLimits = {
  account: { limit: 3, window: 15 * MINUTE },
  address: { limit: 5, window: 10 * MINUTE },
  pair: { limit: 3, window: 15 * MINUTE },
  longest: 15 * MINUTE,
};

async function given(limits = LIMITS) {
  const { clock, ...world } = createManualWorld();
  const store = await openStore("memory:", { ...world, clock });
  const throttle = createThrottle({ store, clock, limits });
  const tries = async (account: string, address: string, count = 1): Promise<readonly boolean[]> => {
    const answers: boolean[] = [];
    for (let done = 0; done < count; done += 1) answers.push((await throttle.attempt({ account, address })).allowed);
    return answers;
  };
  const pass = async (subject: AttemptSubject) => {
    const answer = await throttle.attempt(subject);
    assert.ok(answer.allowed);
    return answer;
  };
  return { clock, store, throttle, tries, pass };
}

describe("the throttle", () => {
  test("lets an account have its attempts, refuses the next and says how long to wait", async () => {
    const { throttle, tries, clock } = await given();
    assert.deepEqual(await tries("demo", "192.0.2.1", 3), [true, true, true]);
    clock.advance(MINUTE);
    const answer = await throttle.attempt({ account: "demo", address: "192.0.2.2" });
    assert.deepEqual(answer, { allowed: false, retryAfterMs: 14 * MINUTE });
    clock.advance(14 * MINUTE - 1);
    assert.deepEqual(await tries("demo", "192.0.2.3"), [false]);
    clock.advance(1);
    assert.deepEqual(await tries("demo", "192.0.2.3"), [true]);
  });

  test("lets no more than the limit pass when all guesses come at once", async () => {
    const { throttle } = await given();
    const subjects = Array.from({ length: 30 }, (_, n) => ({ account: "demo", address: `192.0.2.${n}` }));
    const answers = await Promise.all(subjects.map((subject) => throttle.attempt(subject)));
    assert.equal(answers.filter(({ allowed }) => allowed).length, 3);
  });

  test("counts an address over all accounts", async () => {
    const { tries } = await given();
    for (const account of ["a", "b", "c", "d", "e"]) assert.deepEqual(await tries(account, "192.0.2.1"), [true]);
    assert.deepEqual(await tries("f", "192.0.2.1"), [false]);
    assert.deepEqual(await tries("f", "192.0.2.2"), [true]);
  });

  test("lets an address that is over its limit use up nobody's account", async () => {
    const { tries } = await given();
    for (const account of ["a", "b", "c", "d", "e"]) await tries(account, "192.0.2.1");
    assert.deepEqual(
      await tries("demo", "192.0.2.1", 10),
      Array.from({ length: 10 }, () => false),
    );
    assert.deepEqual(await tries("demo", "192.0.2.2", 3), [true, true, true]);
  });

  for (const spelling of ["DEMO", "  demo ", "ｄｅｍｏ", "de\u00admo", "demo\u200b ", "\tDemo\n"]) {
    test(`takes ${JSON.stringify(spelling)} for the account demo`, async () => {
      const { tries } = await given();
      await tries("demo", "192.0.2.1", 3);
      assert.deepEqual(await tries(spelling, "192.0.2.2"), [false]);
      assert.deepEqual(await tries("demo2", "192.0.2.2"), [true]);
    });
  }

  const addresses: readonly (readonly [string, string, boolean])[] = [
    ["2001:db8:0:1::1", "2001:DB8:0:1:ffff:ffff:ffff:ffff", true],
    ["2001:db8:0:1::1", "2001:db8:0:2::1", false],
    ["2001:db8::1", "2001:db8:0:0:9::", true],
    ["::1", "0:0:0:0:0:0:0:1", true],
    ["1:2:3:4:5:6:192.0.2.1", "1:2:3:4::", true],
    ["1:2:3::192.0.2.1", "1:2:3:0::", true],
    ["::ffff:192.0.2.1", "192.0.2.1", true],
    ["::ffff:192.0.2.1", "::ffff:192.0.2.2", false],
    ["192.0.2.1", "192.0.2.2", false],
  ];
  for (const [one, other, isSame] of addresses) {
    test(`takes ${one} and ${other} for ${isSame ? "one address" : "two addresses"}`, async () => {
      const { tries } = await given({
        ...LIMITS,
        account: { limit: 100, window: MINUTE },
        pair: { limit: 100, window: MINUTE },
      });
      await tries("demo", one, 5);
      assert.deepEqual(await tries("demo", other), [!isSame]);
    });
  }

  test("starts the account anew after a success and gives the address its attempt back", async () => {
    const { pass, tries } = await given();
    for (let day = 0; day < 20; day += 1) await (await pass({ account: "demo", address: "192.0.2.1" })).succeeded();
    assert.deepEqual(await tries("demo", "192.0.2.1", 4), [true, true, true, false]);
  });

  test("does not let a success of one account clear the guesses at others from the same address", async () => {
    const { throttle, tries } = await given();
    const own = { account: "editor", address: "192.0.2.1" };
    const passed: boolean[] = [];
    for (let round = 0; round < 10; round += 1) {
      passed.push(...(await tries(`victim${round}`, "192.0.2.1")));
      const answer = await throttle.attempt(own);
      if (answer.allowed) await answer.succeeded();
    }
    assert.equal(passed.filter(Boolean).length, 5);
  });

  test("takes back an attempt the backend could not judge, and only that one", async () => {
    const { pass, tries } = await given();
    await tries("demo", "192.0.2.1", 2);
    for (let round = 0; round < 10; round += 1)
      await (await pass({ account: "demo", address: "192.0.2.1" })).released();
    assert.deepEqual(await tries("demo", "192.0.2.1", 2), [true, false]);
  });

  test("carries nothing that was given back into the next window", async () => {
    const { pass, tries, clock } = await given();
    const subject = { account: "demo", address: "192.0.2.1" };
    for (let round = 0; round < 5; round += 1) await (await pass(subject)).released();
    const late = await pass(subject);
    clock.advance(15 * MINUTE);
    await late.released();
    assert.deepEqual(await tries("demo", "192.0.2.1", 4), [true, true, true, false]);
  });

  test("is shared by all instances on one store", async () => {
    const { store, clock, tries } = await given();
    await tries("demo", "192.0.2.1", 3);
    const other = createThrottle({ store, clock, limits: LIMITS });
    assert.equal((await other.attempt({ account: "demo", address: "192.0.2.9" })).allowed, false);
  });
});
