import type { Clock } from "../kernel/index.ts";
import type { Counter, Store } from "../store/index.ts";
import { accountKey, addressKey } from "./subject-keys.ts";

export interface Limit {
  readonly limit: number;
  /** Milliseconds. */
  readonly window: number;
}

export interface ThrottleLimits {
  readonly account: Limit;
  readonly address: Limit;
}

/** Who tries: the name as typed and the address it comes from. */
export interface AttemptSubject {
  readonly account: string;
  readonly address: string;
  /**
   * A browser the account signed in with before: it has a count of its own, so that a stranger who uses up the account's does not lock the
   * owner out.
   */
  readonly device?: string | undefined;
}

export type ThrottleAnswer = { readonly allowed: true } | { readonly allowed: false; readonly retryAfterMs: number };

export interface Throttle {
  /** Counts an attempt before it is made, so that parallel guesses cannot all pass, and answers whether it may be made. */
  attempt(subject: AttemptSubject): Promise<ThrottleAnswer>;
  /** The attempt succeeded: the account's count starts anew and the address gets this one back. */
  success(subject: AttemptSubject): Promise<void>;
  /** The attempt could not be judged (the backend failed): it does not count. Earlier failures still do. */
  release(subject: AttemptSubject): Promise<void>;
}

/** @param guessed what is guessed at: passwords and second factors are counted apart. */
export function createThrottle({
  store,
  clock,
  limits,
  guessed = "password",
}: {
  store: Store;
  clock: Clock;
  limits: ThrottleLimits;
  guessed?: "password" | "factor";
}): Throttle {
  const prefix = guessed === "password" ? "throttle" : `throttle.${guessed}`;
  const accounts = createWindows({ store, clock, kind: `${prefix}.account`, limit: limits.account });
  const addresses = createWindows({ store, clock, kind: `${prefix}.address`, limit: limits.address });
  const keyOf = ({ account, device }: AttemptSubject): string =>
    device === undefined ? accountKey(account) : `${accountKey(account)}@${device}`;
  const forgiveAddress = async ({ address, device }: AttemptSubject): Promise<void> => {
    if (device === undefined) await addresses.giveBack(addressKey(address));
  };
  return {
    async attempt(subject) {
      // A browser the account knows is counted by itself: neither a stranger's guesses nor a neighbour's at the same address keep it out.
      if (subject.device !== undefined) return accounts.count(keyOf(subject));
      // The address first: one that is over its limit cannot use up the limits of accounts as well.
      const byAddress = await addresses.count(addressKey(subject.address));
      return byAddress.allowed ? accounts.count(keyOf(subject)) : byAddress;
    },
    async success(subject) {
      await Promise.all([accounts.reset(keyOf(subject)), forgiveAddress(subject)]);
    },
    async release(subject) {
      await Promise.all([accounts.giveBack(keyOf(subject)), forgiveAddress(subject)]);
    },
  };
}

/** Guesses at codes that belong to nobody yet: counted by address alone. */
export interface AddressThrottle {
  attempt(address: string): Promise<ThrottleAnswer>;
  /** The attempt was no guess. */
  release(address: string): Promise<void>;
}

/** For the codes people type for their devices (RFC 8628 section 5.1). */
export function createDeviceCodeThrottle(deps: { store: Store; clock: Clock; limit: Limit }): AddressThrottle {
  const addresses = createWindows({ ...deps, kind: "throttle.device-code.address" });
  return {
    attempt: (address) => addresses.count(addressKey(address)),
    release: (address) => addresses.giveBack(addressKey(address)),
  };
}

interface Windows {
  count(key: string): Promise<ThrottleAnswer>;
  giveBack(key: string): Promise<void>;
  reset(key: string): Promise<void>;
}

/**
 * Fixed windows over the store's counters, which only grow: what is given back is counted beside them, under the end of the
 * window it belongs to, so that it never reaches into the next one.
 */
function createWindows({
  store,
  clock,
  kind,
  limit,
}: {
  store: Store;
  clock: Clock;
  kind: string;
  limit: Limit;
}): Windows {
  const returned = `${kind}.returned`;
  return {
    async count(key) {
      const window = await store.increment(kind, key, limit.window);
      if (window.count <= limit.limit) return { allowed: true };
      const back = (await store.counter(returned, entry(key, window)))?.count ?? 0;
      if (window.count - back <= limit.limit) return { allowed: true };
      return { allowed: false, retryAfterMs: Math.max(1, window.expiresAt - clock.now()) };
    },
    async giveBack(key) {
      const window = await store.counter(kind, key);
      if (window === undefined) return;
      await store.increment(returned, entry(key, window), Math.max(1, window.expiresAt - clock.now()));
    },
    async reset(key) {
      const window = await store.counter(kind, key);
      if (window === undefined) return;
      await Promise.all([store.resetCounter(kind, key), store.resetCounter(returned, entry(key, window))]);
    },
  };
}

function entry(key: string, window: Counter): string {
  return `${key} ${window.expiresAt}`;
}
