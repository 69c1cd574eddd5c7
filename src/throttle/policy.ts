import { accountKey, addressKey, networkKey } from "./subject-keys.ts";

export interface Limit {
  readonly limit: number;
  /** Milliseconds. */
  readonly window: number;
}

export interface ThrottleLimits {
  readonly account: Limit;
  readonly address: Limit;
  /** One account from one address. */
  readonly pair: Limit;
  /** Milliseconds the windows of accounts and pairs grow to, while nobody gets in. */
  readonly longest: number;
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

/** Something attempts are counted against. */
export interface Watch extends Limit {
  readonly of: "pair" | "address" | "account" | "browser";
  readonly key: string;
  readonly longest: number;
  /** Up to this count an attempt tells of a surge: the first one of a pair, and the first few of an address. */
  readonly few: number;
}

/** During a surge an address has a tenth of its attempts. An IPv6 /48 has those of ten addresses. */
const TENTH = 10;

/** What an attempt is counted against, the narrow before the wide: whoever is refused uses up nothing others share. */
export function watchesOf(
  { account, address, device }: AttemptSubject,
  limits: ThrottleLimits,
  isSurge: boolean,
): readonly Watch[] {
  const watch = (of: Watch["of"], key: string): Watch => watchOf({ of, key }, limits, isSurge);
  const name = accountKey(account);
  if (device !== undefined) return [watch("browser", `${name}@${device}`)];
  return [
    watch("pair", `${name} ${addressKey(address)}`),
    ...addressWatches(address, limits.address, isSurge),
    watch("account", name),
  ];
}

export function addressWatches(address: string, limit: Limit, isSurge: boolean): readonly Watch[] {
  const keys = [addressKey(address), networkKey(address)];
  return keys.flatMap((key) => (key === undefined ? [] : [addressWatch(key, limit, isSurge)]));
}

function addressWatch(key: string, { limit, window }: Limit, isSurge: boolean): Watch {
  const usual = key.endsWith("/48") ? limit * TENTH : limit;
  const few = Math.ceil(usual / TENTH);
  // Many people may share an address: its window does not grow.
  return { of: "address", key, limit: isSurge ? few : usual, window, longest: window, few };
}

export function watchOf({ of, key }: Pick<Watch, "of" | "key">, limits: ThrottleLimits, isSurge: boolean): Watch {
  if (of === "address") return addressWatch(key, limits.address, isSurge);
  const { limit, window } = of === "pair" ? limits.pair : limits.account;
  const longest = of === "browser" ? window : Math.max(window, limits.longest);
  return { of, key, limit, window, longest, few: of === "pair" ? 1 : Number.POSITIVE_INFINITY };
}

/** Whether failures in a row make the window longer. */
export function grows({ window, longest }: Watch): boolean {
  return longest > window;
}

/** Milliseconds of the next window: twice as long for each limit's worth of failures in a row. */
export function windowAfter({ window, limit, longest }: Watch, failed: number): number {
  return Math.min(window * 2 ** Math.floor(failed / limit), longest);
}

/** Milliseconds after the last failure at which those in a row are forgotten. */
export function quietTime({ longest }: Watch): number {
  return 2 * longest;
}
