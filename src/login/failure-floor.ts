import type { Clock } from "../kernel/index.ts";

/**
 * Makes every failed sign-in take about as long as the slower ones lately did, so that time does not tell an unknown user
 * (no hash to check) from a wrong password.
 */
export interface FailureFloor {
  /** Resolves no earlier than the floor after `startedAt` (monotonic milliseconds). */
  pad(startedAt: number): Promise<void>;
}

const SAMPLES = 64;
/** A single stalled call must not slow everybody: the floor is the 90th percentile, and never over a second. */
const CEILING_MS = 1_000;

/** @param minimum milliseconds every failure takes at least. */
export function createFailureFloor({ clock, minimum }: { clock: Clock; minimum: number }): FailureFloor {
  const recent: number[] = [];
  const floor = (): number => {
    const sorted = recent.toSorted((a, b) => a - b);
    const high = sorted[Math.floor(sorted.length * 0.9)] ?? 0;
    return Math.min(Math.max(high, minimum), CEILING_MS);
  };
  return {
    async pad(startedAt) {
      const took = clock.monotonic() - startedAt;
      const rest = floor() - took;
      recent.push(took);
      if (recent.length > SAMPLES) recent.shift();
      if (rest > 0) await clock.sleep(rest);
    },
  };
}
