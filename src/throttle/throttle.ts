import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";
import type { Clock } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";

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
}

export type ThrottleAnswer = { readonly allowed: true } | { readonly allowed: false; readonly retryAfterMs: number };

export interface Throttle {
  /** Counts an attempt before it is made, so that parallel guesses cannot all pass, and answers whether it may be made. */
  attempt(subject: AttemptSubject): Promise<ThrottleAnswer>;
  /** The attempt succeeded: the account's count starts anew. */
  success(subject: AttemptSubject): Promise<void>;
  /** The attempt could not be judged (the backend failed): it does not count against the account. */
  release(subject: AttemptSubject): Promise<void>;
}

const ACCOUNT = "throttle.account";
const ADDRESS = "throttle.address";

export function createThrottle({
  store,
  clock,
  limits,
}: {
  store: Store;
  clock: Clock;
  limits: ThrottleLimits;
}): Throttle {
  const over = (counter: { count: number; expiresAt: number }, limit: Limit): number =>
    counter.count > limit.limit ? counter.expiresAt - clock.now() : 0;
  return {
    async attempt(subject) {
      const [account, address] = await Promise.all([
        store.increment(ACCOUNT, accountKey(subject.account), limits.account.window),
        store.increment(ADDRESS, addressKey(subject.address), limits.address.window),
      ]);
      const retryAfterMs = Math.max(over(account, limits.account), over(address, limits.address));
      return retryAfterMs > 0 ? { allowed: false, retryAfterMs } : { allowed: true };
    },
    success: ({ account }) => store.resetCounter(ACCOUNT, accountKey(account)),
    release: ({ account }) => store.resetCounter(ACCOUNT, accountKey(account)),
  };
}

/** One key for all spellings of a name; hashed, so that the store holds no typed names (people type passwords there). */
export function accountKey(name: string): string {
  return createHash("sha256").update(name.normalize("NFKC").trim().toLowerCase()).digest("base64url");
}

/** An IPv4 address as it is, an IPv6 address by its /64: one customer has that many addresses at no cost. */
export function addressKey(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!isIPv6(plain)) return plain;
  const [head = "", tail] = plain.split("::", 2);
  const before = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: gap }, () => "0"), ...after];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(":")}::/64`;
}
