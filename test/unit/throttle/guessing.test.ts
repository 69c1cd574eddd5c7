import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { openStore } from "../../../src/store/index.ts";
import { type AuditEvent, createLogger } from "../../../src/telemetry/index.ts";
import {
  type AttemptSubject,
  clearCounts,
  createSurge,
  createThrottle,
  listCounts,
  type ThrottleLimits,
} from "../../../src/throttle/index.ts";
import { createManualWorld } from "../../support/manual-clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
/** The defaults. */
const LIMITS: ThrottleLimits = {
  account: { limit: 10, window: 15 * MINUTE },
  address: { limit: 100, window: 15 * MINUTE },
  pair: { limit: 5, window: 15 * MINUTE },
  longest: 24 * HOUR,
};
const SURGE = { limit: 20, window: 15 * MINUTE };

async function given(limit = SURGE) {
  const world = createManualWorld();
  const { clock } = world;
  const store = await openStore("memory:", world);
  const events: AuditEvent["event"][] = [];
  const log: string[] = [];
  /** One process of several on the store. */
  const start = () => {
    const audit = { record: ({ event }: AuditEvent) => void events.push(event) };
    const logger = createLogger({ level: "warn", format: "json", write: (line) => void log.push(line) });
    const surge = createSurge({ store, clock, limit, audit, logger });
    const throttle = createThrottle({ store, clock, limits: LIMITS, surge });
    /** A wrong guess; whether it was let through. */
    const fails = async (subject: AttemptSubject): Promise<boolean> => {
      const answer = await throttle.attempt(subject);
      if (answer.allowed) await answer.failed();
      return answer.allowed;
    };
    return { surge, throttle, fails };
  };
  return { clock, store, events, log, start, ...start() };
}

/** Wrong guesses until one is refused, from a new address each; how many were let through and how long the wait is then. */
async function guessOn({ throttle, fails }: Awaited<ReturnType<typeof given>>, address: (round: number) => string) {
  let passed = 0;
  while (await fails({ account: "demo", address: address(passed) })) passed += 1;
  const refused = await throttle.attempt({ account: "demo", address: address(passed) });
  assert.ok(!refused.allowed);
  return { passed, wait: refused.retryAfterMs };
}

describe("guesses at one account", () => {
  test("from one address end well before those that lock others out", async () => {
    const { fails } = await given();
    const answers: boolean[] = [];
    for (let round = 0; round < 40; round += 1) answers.push(await fails({ account: "demo", address: "192.0.2.1" }));
    assert.equal(answers.filter(Boolean).length, 5);
    assert.equal(await fails({ account: "demo", address: "192.0.2.2" }), true);
    assert.equal(await fails({ account: "neighbour", address: "192.0.2.1" }), true);
  });

  test("that are refused use up nothing others share", async () => {
    const everything = await given();
    const { fails } = everything;
    await guessOn(everything, (round) => `192.0.2.${round}`);
    for (let round = 0; round < 300; round += 1)
      assert.equal(await fails({ account: "demo", address: "192.0.2.200" }), false);
    for (let round = 0; round < 100; round += 1)
      assert.equal(await fails({ account: `neighbour${round}`, address: "192.0.2.200" }), true);
  });

  test("wait twice as long each time, up to a day, so that a hundred of them take three days", async () => {
    const everything = await given();
    const { clock } = everything;
    const waits: number[] = [];
    const begin = clock.now();
    let passed = 0;
    while (passed < 100) {
      const more = await guessOn(everything, (round) => `198.51.${waits.length}.${round}`);
      waits.push(more.wait / MINUTE);
      passed += more.passed;
      if (passed < 100) clock.advance(more.wait);
    }
    assert.deepEqual(waits, [15, 30, 60, 120, 240, 480, 960, 1440, 1440, 1440]);
    assert.equal(passed, 100);
    assert.ok(clock.now() - begin >= 79 * HOUR);
  });

  test("that stay just below the limit make it wait longer all the same", async () => {
    const { fails, clock } = await given();
    let passed = 0;
    for (let minute = 0; minute < 24 * 60; minute += 2) {
      if (await fails({ account: "demo", address: `198.51.${minute % 250}.1` })) passed += 1;
      clock.advance(2 * MINUTE);
    }
    assert.ok(passed <= 80, `${passed} guesses in a day`);
  });

  test("from one address wait longer each time, without making anybody else wait", async () => {
    const everything = await given();
    const waits: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      const { passed, wait } = await guessOn(everything, () => "192.0.2.1");
      assert.equal(passed, 5);
      waits.push(wait / MINUTE);
      assert.equal(await everything.fails({ account: "demo", address: `192.0.2.${100 + round}` }), true);
      everything.clock.advance(wait);
    }
    assert.deepEqual(waits, [15, 30, 60, 120]);
  });

  test("are forgotten after two quiet days, and by a success at once", async () => {
    const everything = await given();
    const { clock, throttle } = everything;
    const wait = async (): Promise<number> => {
      const answer = await guessOn(everything, (round) => `198.51.100.${round}`);
      return answer.wait / MINUTE;
    };
    const first = await wait();
    clock.advance(first * MINUTE);
    assert.deepEqual([first, await wait()], [15, 30]);
    clock.advance(48 * HOUR);
    assert.equal(await wait(), 15);
    clock.advance(15 * MINUTE);
    const right = await throttle.attempt({ account: "demo", address: "198.51.100.77" });
    assert.ok(right.allowed);
    await right.succeeded();
    assert.equal(await wait(), 15);
  });

  test("keep neither the owner's own browser out nor make it wait longer", async () => {
    const everything = await given();
    const { clock, fails, throttle } = everything;
    const own = { account: "demo", address: "192.0.2.1", device: "the-owners-browser" };
    for (let round = 0; round < 5; round += 1) {
      const { wait } = await guessOn(everything, (tried) => `198.51.${round}.${tried}`);
      clock.advance(wait - 1);
      for (let tries = 0; tries < 10; tries += 1) assert.equal(await fails(own), true);
      const refused = await throttle.attempt(own);
      assert.ok(!refused.allowed && refused.retryAfterMs <= 15 * MINUTE);
      clock.advance(15 * MINUTE);
    }
  });
});

describe("evasion", () => {
  const spellings = ["DEMO", "Demo ", "ｄｅｍｏ", "dèmö", "de\u00admo", "d\u0065\u0301mo", "𝐝𝐞𝐦𝐨", "\u2003demo"];
  test("by the spelling of a name does not work", async () => {
    const { fails } = await given();
    const answers: boolean[] = [];
    for (const [n, account] of [...spellings, ...spellings].entries())
      answers.push(await fails({ account, address: `192.0.2.${n}` }));
    assert.equal(answers.filter(Boolean).length, 10);
  });

  for (const [one, other, isSame] of [
    ["straße", "STRASSE", true],
    ["ΟΔΟΣ", "οδός", true],
    ["two  words", "two words", true],
    ["demo", "dеmo", false],
    ["demo", "demo1", false],
  ] as const) {
    test(`takes ${one} and ${other} for ${isSame ? "one name" : "two names"}`, async () => {
      const { fails } = await given();
      for (let round = 0; round < 5; round += 1) await fails({ account: one, address: "192.0.2.1" });
      assert.equal(await fails({ account: other, address: "192.0.2.1" }), !isSame);
    });
  }

  test("by addresses of one IPv6 /64, or by the many /64 of one /48, has an end", async () => {
    const { fails } = await given({ limit: 10_000, window: MINUTE });
    const spray = async (address: (n: number) => string): Promise<number> => {
      let passed = 0;
      for (let n = 0; n < 1_200; n += 1) passed += Number(await fails({ account: `a${n}`, address: address(n) }));
      return passed;
    };
    assert.equal(await spray((n) => `2001:db8:1:1::${n.toString(16)}`), 100);
    assert.equal(await spray((n) => `2001:db8:2:${n.toString(16)}::1`), 1_000);
  });
});

describe("a surge", () => {
  /** First failures of many accounts from many addresses. */
  const spray = async (fails: (subject: AttemptSubject) => Promise<boolean>, count: number, name = "a") => {
    for (let n = 0; n < count; n += 1) await fails({ account: `${name}${n}`, address: `198.51.${n % 50}.7` });
  };
  const passing = async (fails: (subject: AttemptSubject) => Promise<boolean>, address: string): Promise<number> => {
    let passed = 0;
    for (let n = 0; n < 120; n += 1) passed += Number(await fails({ account: `${address}-${n}`, address }));
    return passed;
  };

  test("begins when failures are spread widely, in all processes, and leaves known browsers alone", async () => {
    const { start, fails, surge, events, log } = await given();
    const other = start();
    await spray(fails, 19);
    assert.equal(await other.surge.isOn(), false);
    await spray(other.fails, 1, "b");
    assert.deepEqual([await surge.isOn(), await other.surge.isOn(), surge.wasOn()], [true, true, true]);
    assert.equal(await passing(fails, "203.0.113.1"), 10);
    for (let n = 0; n < 10; n += 1)
      assert.equal(await fails({ account: "demo", address: "203.0.113.1", device: "known" }), true);
    assert.deepEqual(events, ["surge_began"]);
    assert.match(log.join(""), /Failed sign-ins are spread/);
  });

  test("is not begun by guesses at one account, nor by one address, nor by second tries", async () => {
    const { fails, surge, clock } = await given();
    for (let n = 0; n < 200; n += 1) await fails({ account: "demo", address: `198.51.100.${n}` });
    for (let n = 0; n < 100; n += 1) await fails({ account: `again${n % 5}`, address: `198.51.101.${n % 5}` });
    clock.advance(15 * MINUTE);
    assert.equal(await passing(fails, "203.0.113.1"), 100);
    assert.equal(await surge.isOn(), false);
  });

  test("ends after a whole window with fewer failures, which one process writes down", async () => {
    const { start, fails, surge, clock, events, log } = await given();
    const other = start();
    await spray(fails, 20);
    clock.advance(15 * MINUTE);
    await spray(fails, 20, "b");
    clock.advance(30 * MINUTE - 1);
    for (const one of [surge, other.surge]) await one.turn();
    assert.deepEqual([surge.wasOn(), other.surge.wasOn()], [true, true]);
    clock.advance(1);
    assert.equal(await passing(fails, "203.0.113.1"), 100);
    for (const one of [surge, other.surge]) await one.turn();
    assert.deepEqual([surge.wasOn(), other.surge.wasOn()], [false, false]);
    assert.deepEqual(events, ["surge_began", "surge_ended"]);
    assert.match(log.at(-1) ?? "", /as usual again/);
  });

  test("is ended by an operator who clears everything, and by nobody who clears an account", async () => {
    const { fails, surge, clock, store, events } = await given();
    const overview = {
      store,
      limits: { password: { ...LIMITS, surge: SURGE }, factor: LIMITS, device: LIMITS },
      now: clock.now(),
    };
    await spray(fails, 20);
    await clearCounts(overview, { account: "a1", address: "198.51.1.7" });
    assert.equal(await surge.isOn(), true);
    const [first] = await listCounts(overview, {});
    assert.deepEqual([first?.of, first?.surge, first?.attempts], ["provider", true, 20]);
    await clearCounts(overview, {});
    await surge.turn();
    assert.equal(surge.wasOn(), false);
    assert.deepEqual(events, ["surge_began", "surge_ended"]);
    assert.deepEqual(await listCounts(overview, {}), []);
  });
});
