import type { Clock } from "../kernel/index.ts";
import type { Counter, Store } from "../store/index.ts";
import { grows, quietTime, type Watch, windowAfter } from "./policy.ts";

/** One attempt, counted against one thing. */
export interface Tally {
  readonly watch: Watch;
  readonly window: Counter;
  /** Failures in a row before. */
  readonly failed: number;
  readonly isOver: boolean;
}

/** Windows over the store's counters, kept under the kinds of one throttle. */
export interface Tallies {
  count(watch: Watch): Promise<Tally>;
  /** The attempt is as if it had not been made. */
  giveBack(tally: Tally): Promise<void>;
  /** One more failure in a row. */
  failed(tally: Tally): Promise<void>;
  /** Everything counted is forgotten. */
  reset(tally: Tally): Promise<void>;
}

/** Kinds of the counters: attempts in a window, those given back, failures in a row. */
export function kindsOf(prefix: string, of: Watch["of"]) {
  const attempts = `${prefix}.${of === "browser" ? "account" : of}`;
  return { attempts, returned: `${attempts}.returned`, failed: `${attempts}.failed` } as const;
}

/**
 * The store's counters only grow: what is given back is counted beside them, under the end of the window it belongs to, so that it
 * never reaches into the next one.
 */
export function returnedKey(key: string, { expiresAt }: Pick<Counter, "expiresAt">): string {
  return `${key} ${expiresAt}`;
}

export function createTallies({ store, clock, prefix }: { store: Store; clock: Clock; prefix: string }): Tallies {
  const kinds = (watch: Watch) => kindsOf(prefix, watch.of);
  return {
    async count(watch) {
      const { key, limit } = watch;
      const { attempts, returned, failed: row } = kinds(watch);
      const failed = grows(watch) ? ((await store.counter(row, key))?.count ?? 0) : 0;
      const window = await store.increment(attempts, key, windowAfter(watch, failed));
      const back = window.count > limit ? await store.counter(returned, returnedKey(key, window)) : undefined;
      return { watch, window, failed, isOver: window.count - (back?.count ?? 0) > limit };
    },
    async giveBack({ watch, window }) {
      const rest = Math.max(1, window.expiresAt - clock.now());
      await store.increment(kinds(watch).returned, returnedKey(watch.key, window), rest);
    },
    async failed({ watch }) {
      if (grows(watch)) await store.increment(kinds(watch).failed, watch.key, quietTime(watch), { renew: true });
    },
    async reset({ watch, failed }) {
      const { attempts, failed: row } = kinds(watch);
      await Promise.all([
        store.resetCounter(attempts, watch.key),
        ...(failed > 0 ? [store.resetCounter(row, watch.key)] : []),
      ]);
    },
  };
}
