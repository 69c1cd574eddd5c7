import assert from "node:assert/strict";
import { test } from "node:test";
import { type Connection, ConnectionLost } from "../../../src/lua/services/databases/connection.ts";
import { createPool } from "../../../src/lua/services/databases/pool.ts";

class Session implements Connection {
  isUp = true;
  isClosed = false;
  endCancelling: () => void = () => undefined;
  isReusable = () => this.isUp;
  run = () => Promise.reject(new Error("not here"));
  cancel = () =>
    new Promise<void>((resolve) => {
      this.endCancelling = resolve;
    });
  close(): void {
    this.isClosed = true;
  }
}

/** A clock that stands still: who sleeps wakes when the test moves it that far, or when aborted. */
function createStoppedClock() {
  let now = 0;
  const sleeping = new Map<() => void, number>();
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (milliseconds: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => {
        sleeping.set(resolve, now + milliseconds);
        signal?.addEventListener("abort", () => resolve());
        if (signal?.aborted === true) resolve();
      }),
    async advance(milliseconds: number) {
      now += milliseconds;
      for (const [wake, at] of sleeping) if (at <= now) wake();
      await turn();
    },
  };
}

function setUp() {
  const clock = createStoppedClock();
  const made: Session[] = [];
  const state = { connect: (): Promise<Session> => Promise.resolve(new Session()) };
  const pool = createPool({
    clock,
    connect: async () => {
      const session = await state.connect();
      made.push(session);
      return session;
    },
  });
  const never = new AbortController().signal;
  const use = <Value>(
    work: (session: Connection) => Promise<Value>,
    { limit = 1, signal = never, keep = true, mayRepeat = false } = {},
  ) => pool.use({ limit, signal, keep, mayRepeat }, work);
  return { clock, made, state, pool, use };
}

/** Work that goes on until it is told to end. */
function held() {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { work: () => promise, end: resolve };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));
const itself = (session: Connection) => Promise.resolve(session);

test("a connection serves one after the other, in the order they came", async () => {
  const { made, use } = setUp();
  const order: number[] = [];
  await Promise.all([1, 2, 3].map((number) => use(async () => void order.push(number))));
  assert.deepEqual(order, [1, 2, 3]);
  assert.equal(made.length, 1);
});

test("no more connections than the limit are made, however many wait", async () => {
  const { made, use } = setUp();
  const { work, end } = held();
  const all = Array.from({ length: 10 }, () => use(work, { limit: 3 }));
  await turn();
  assert.equal(made.length, 3);
  end();
  await Promise.all(all);
  assert.equal(made.length, 3);
});

test("who waits too long for a connection is told so", async () => {
  const { clock, use } = setUp();
  const { work, end } = held();
  const first = use(work);
  await turn();
  const second = assert.rejects(use(itself), { message: "all 1 connections to the database are in use" });
  await turn();
  await clock.advance(3_000);
  await second;
  end();
  await first;
});

test("a call that is over while it waits leaves the queue", async () => {
  const { use } = setUp();
  const { work, end } = held();
  const first = use(work);
  await turn();
  const over = new AbortController();
  const second = assert.rejects(use(itself, { signal: over.signal }), { message: "the call is over" });
  over.abort();
  await second;
  await assert.rejects(use(itself, { signal: over.signal }), { message: "the call is over" });
  end();
  await first;
});

test("the connection of a call that is over counts until the server has been told, and is not used again", async () => {
  const { made, use } = setUp();
  const over = new AbortController();
  const first = assert.rejects(use(held().work, { signal: over.signal }), { message: "the call is over" });
  await turn();
  over.abort();
  await first;
  const second = use(itself);
  await turn();
  assert.equal(made.length, 1);
  made[0]?.endCancelling();
  assert.equal(await second, made[1]);
  assert.equal(made[0]?.isClosed, true);
});

test("two connections that become free at the same moment go to two who wait", async () => {
  const { made, use } = setUp();
  const { work, end } = held();
  const first = [use(work, { limit: 2 }), use(work, { limit: 2 })];
  await turn();
  const next = [use(itself, { limit: 2 }), use(itself, { limit: 2 }), use(itself, { limit: 2 })];
  end();
  await Promise.all(first);
  assert.equal(new Set(await Promise.all(next)).size, 2);
  assert.equal(made.length, 2);
});

test("a connection that is lost, or not to be kept, is closed and makes room", async () => {
  const { made, use } = setUp();
  await use(itself);
  if (made[0] !== undefined) made[0].isUp = false;
  assert.equal(await use(itself, { keep: false }), made[1]);
  assert.equal(await use(itself), made[2]);
  assert.deepEqual(
    made.map(({ isClosed }) => isClosed),
    [true, true, false],
  );
});

test("work that may be repeated meets no connection that was lost while nobody used it; other work fails", async () => {
  const { made, use } = setUp();
  const work = (session: Connection) => {
    if (made.length > 1) return Promise.resolve(session);
    if (made[0] !== undefined) made[0].isUp = false;
    return Promise.reject(new ConnectionLost("gone"));
  };
  await use(itself);
  assert.equal(await use(work, { mayRepeat: true }), made[1]);
  assert.equal(made[0]?.isClosed, true);
  await assert.rejects(
    use(() => Promise.reject(new ConnectionLost("gone"))),
    { message: "gone" },
  );
});

test("work that loses a new connection is not repeated", async () => {
  const { made, use } = setUp();
  const lose = () => Promise.reject(new ConnectionLost("gone"));
  await assert.rejects(use(lose, { mayRepeat: true, keep: false }), { message: "gone" });
  assert.equal(made.length, 1);
});

test("when the server is down everybody who waits is told, and the next call tries again", async () => {
  const { state, use } = setUp();
  const works = state.connect;
  state.connect = () => Promise.reject(new Error("down"));
  for (const outcome of await Promise.allSettled([use(itself), use(itself), use(itself)]))
    assert.equal(outcome.status === "rejected" && (outcome.reason as Error).message, "down");
  state.connect = works;
  assert.ok((await use(itself)) instanceof Session);
});

test("a server that takes no further connection does not fail who can have one that is in use", async () => {
  const { state, made, use } = setUp();
  const { work, end } = held();
  const first = use(work, { limit: 2 });
  await turn();
  state.connect = () => Promise.reject(new Error("too many"));
  const second = use(itself, { limit: 2 });
  await turn();
  end();
  await first;
  assert.equal(await second, made[0]);
});

test("connections without use are closed after half a minute", async () => {
  const { clock, made, pool, use } = setUp();
  await use(itself);
  await clock.advance(15_000);
  await clock.advance(14_000);
  assert.equal(made[0]?.isClosed, false);
  await clock.advance(1_000);
  assert.equal(made[0]?.isClosed, true);
  assert.equal(pool.isIdle(), true);
});

test("a pool that is closed refuses and closes what it has, and what is in use afterwards", async () => {
  const { made, pool, use } = setUp();
  const { work, end } = held();
  const first = use(work);
  await turn();
  const second = assert.rejects(use(itself), { message: "the program is stopping" });
  pool.close();
  await second;
  await assert.rejects(use(itself), { message: "the program is stopping" });
  assert.equal(made[0]?.isClosed, false);
  end();
  await first;
  assert.equal(made[0]?.isClosed, true);
});
