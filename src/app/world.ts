import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { World } from "../kernel/index.ts";

/** The real clock and the system's random source. */
export function realWorld(): World {
  return {
    clock: {
      now: () => Date.now(),
      monotonic: () => performance.now(),
      sleep: (milliseconds, signal) =>
        delay(milliseconds, undefined, signal === undefined ? {} : { signal }).catch(() => undefined),
    },
    random: {
      bytes: (count) => randomBytes(count),
      id: () => randomBytes(20).toString("base64url"),
    },
  };
}
