import type { Clock } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import {
  type AttemptSubject,
  addressWatches,
  type Limit,
  type ThrottleLimits,
  type Watch,
  watchesOf,
} from "./policy.ts";
import type { Surge } from "./surge.ts";
import { createTallies, type Tallies, type Tally } from "./tallies.ts";

export type ThrottleAnswer = AllowedAttempt | { readonly allowed: false; readonly retryAfterMs: number };

/** An attempt that may be made. Exactly one of the three is called once it was. */
export interface AllowedAttempt {
  readonly allowed: true;
  /** The account's counts start anew and the address gets this one back. */
  succeeded(): Promise<void>;
  failed(): Promise<void>;
  /** It could not be judged (the backend failed) and does not count. Earlier failures still do. */
  released(): Promise<void>;
}

export interface Throttle {
  /** Counts an attempt before it is made, so that parallel guesses cannot all pass, and answers whether it may be made. */
  attempt(subject: AttemptSubject): Promise<ThrottleAnswer>;
}

export interface ThrottleDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly limits: ThrottleLimits;
  /** What is guessed at: passwords and second factors are counted apart. */
  readonly guessed?: "password" | "factor";
  readonly surge?: Surge;
}

const PREFIXES = { password: "throttle", factor: "throttle.factor", device: "throttle.device-code" } as const;

export function prefixOf(guessed: keyof typeof PREFIXES): string {
  return PREFIXES[guessed];
}

export function createThrottle({ store, clock, limits, guessed = "password", surge }: ThrottleDeps): Throttle {
  const tallies = createTallies({ store, clock, prefix: prefixOf(guessed) });
  return {
    async attempt(subject) {
      const isSurge = subject.device === undefined && (await surge?.isOn()) === true;
      return attemptAt({ tallies, clock, surge }, watchesOf(subject, limits, isSurge));
    },
  };
}

/** Guesses at codes that belong to nobody yet: counted by address alone. */
export interface AddressThrottle {
  attempt(address: string): Promise<ThrottleAnswer>;
}

/** For the codes people type for their devices (RFC 8628 section 5.1). */
export function createDeviceCodeThrottle({
  store,
  clock,
  limit,
}: {
  store: Store;
  clock: Clock;
  limit: Limit;
}): AddressThrottle {
  const tallies = createTallies({ store, clock, prefix: prefixOf("device") });
  return {
    attempt: (address) => attemptAt({ tallies, clock, surge: undefined }, addressWatches(address, limit, false)),
  };
}

interface Counting {
  readonly tallies: Tallies;
  readonly clock: Clock;
  readonly surge: Surge | undefined;
}

async function attemptAt({ tallies, clock, surge }: Counting, watches: readonly Watch[]): Promise<ThrottleAnswer> {
  const counted: Tally[] = [];
  for (const watch of watches) {
    const tally = await tallies.count(watch);
    if (tally.isOver) {
      // Refused here, it was an attempt nowhere else.
      await Promise.all(counted.map((other) => tallies.giveBack(other)));
      return { allowed: false, retryAfterMs: Math.max(1, tally.window.expiresAt - clock.now()) };
    }
    counted.push(tally);
  }
  return allowedAttempt(tallies, counted, surge);
}

function allowedAttempt(tallies: Tallies, counted: readonly Tally[], surge: Surge | undefined): AllowedAttempt {
  const all = async (work: (tally: Tally) => Promise<void>): Promise<void> => {
    await Promise.all(counted.map(work));
  };
  const isSpread = counted.every(({ watch, window }) => window.count <= watch.few);
  return {
    allowed: true,
    succeeded: () => all((tally) => (tally.watch.of === "address" ? tallies.giveBack(tally) : tallies.reset(tally))),
    released: () => all((tally) => tallies.giveBack(tally)),
    async failed() {
      const isSign = isSpread && counted.length > 1;
      await Promise.all([all((tally) => tallies.failed(tally)), isSign ? surge?.count() : undefined]);
    },
  };
}
