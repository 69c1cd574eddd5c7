import assert from "node:assert/strict";
import { test } from "node:test";
import { SLOT, STATE } from "../../../src/lua/messages.ts";
import { watchThread } from "../../../src/lua/watchdog.ts";
import { createManualClock } from "../../support/manual-clock.ts";

/** A thread that works as much as a test says. `look` waits until the watchdog asked once more. */
function watched() {
  const shared = new Int32Array(new SharedArrayBuffer(16));
  const clock = createManualClock();
  const state = { cpu: 0, ended: false };
  let asked: (() => void) | undefined;
  const stop = watchThread(
    {
      cpuUsage() {
        setImmediate(() => asked?.());
        return Promise.resolve({ user: state.cpu * 1_000, system: 0 });
      },
      terminate() {
        state.ended = true;
        return Promise.resolve(0);
      },
    },
    shared,
    clock,
  );
  Atomics.store(shared, SLOT.state, STATE.running);
  const look = () => new Promise<void>((resolve) => (asked = resolve));
  return { shared, clock, state, stop, look };
}

test("a thread that works for half a second without a beat is ended, one that gets no processor is not", async () => {
  const { clock, state, stop, look } = watched();
  try {
    await look();
    clock.advance(5_000);
    state.cpu += 400;
    await look();
    assert.equal(state.ended, false);
    state.cpu += 101;
    await look();
    assert.equal(state.ended, true);
  } finally {
    stop();
  }
});

test("a thread whose heart beats may work for as long as it likes", async () => {
  const { shared, state, stop, look } = watched();
  try {
    for (let turn = 0; turn < 3; turn += 1) {
      await look();
      state.cpu += 400;
      Atomics.add(shared, SLOT.heartbeat, 1);
    }
    assert.equal(state.ended, false);
  } finally {
    stop();
  }
});

test("a thread that stands still without working is ended after ten seconds", async () => {
  const { clock, state, stop, look } = watched();
  try {
    await look();
    clock.advance(9_900);
    await look();
    assert.equal(state.ended, false);
    clock.advance(101);
    await look();
    assert.equal(state.ended, true);
  } finally {
    stop();
  }
});
