import { randomBytes } from "node:crypto";
import type { Clock, World } from "../../src/kernel/index.ts";

/** A clock that stands still until a test moves it. Sleeping moves it, too. */
export interface ManualClock extends Clock {
  advance(milliseconds: number): void;
  /** Somebody sets the clock: no time passes. */
  jump(milliseconds: number): void;
}

export function createManualClock(start = Date.UTC(2026, 0, 1)): ManualClock {
  let now = start;
  let passed = 0;
  const advance = (milliseconds: number): void => {
    now += milliseconds;
    passed += milliseconds;
  };
  return {
    now: () => now,
    monotonic: () => passed,
    async sleep(milliseconds) {
      advance(milliseconds);
      // A turn of the event loop passes, so that what waits for the same moment gets its turn.
      await new Promise((resolve) => setImmediate(resolve));
    },
    advance,
    jump: (milliseconds) => void (now += milliseconds),
  };
}

/** A world with a manual clock and real randomness. */
export function createManualWorld(): World & { readonly clock: ManualClock } {
  return {
    clock: createManualClock(),
    random: { bytes: (count) => randomBytes(count), id: () => randomBytes(20).toString("base64url") },
  };
}
