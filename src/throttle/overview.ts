import type { Store } from "../store/index.ts";
import { accountKey, addressKey } from "./subject-keys.ts";
import type { ThrottleLimits } from "./throttle.ts";

/** Attempts that were counted and can still matter. */
export interface Count {
  readonly guessed: "password" | "factor" | "device";
  /** `browser`: one the account signed in with before, counted by itself. */
  readonly of: "account" | "browser" | "address";
  /** The address or its network; of an account the beginning of its hash, as names are not kept. */
  readonly key: string;
  readonly attempts: number;
  readonly limit: number;
  /** Milliseconds since the epoch at which it starts anew. */
  readonly until: number;
}

/** Default: everything. The name as typed at the sign-in, any spelling of the address. */
export interface CountFilter {
  readonly account?: string | undefined;
  readonly address?: string | undefined;
}

interface Overview {
  readonly store: Store;
  readonly limits: Readonly<Record<"password" | "factor", ThrottleLimits>> & {
    readonly device: Pick<ThrottleLimits, "address">;
  };
}

/** What is counted, under which kind. */
const COUNTED = [
  { guessed: "password", side: "account", kind: "throttle.account" },
  { guessed: "password", side: "address", kind: "throttle.address" },
  { guessed: "factor", side: "account", kind: "throttle.factor.account" },
  { guessed: "factor", side: "address", kind: "throttle.factor.address" },
  { guessed: "device", side: "address", kind: "throttle.device-code.address" },
] as const;

/** What the throttles of passwords and of factors have counted, those over their limit first. */
export async function listCounts(overview: Overview, filter: CountFilter): Promise<readonly Count[]> {
  const counted = await findCounts(overview, filter);
  return counted
    .map(({ count }) => count)
    .toSorted((a, b) => b.attempts / b.limit - a.attempts / a.limit || a.until - b.until);
}

/** Forgets them, so that the next attempt is the first one. Returns what was forgotten. */
export async function clearCounts(overview: Overview, filter: CountFilter): Promise<readonly Count[]> {
  const counted = await findCounts(overview, filter);
  for (const { kind, id, returned, count } of counted) {
    await overview.store.resetCounter(kind, id);
    if (returned) await overview.store.resetCounter(`${kind}.returned`, `${id} ${count.until}`);
  }
  return counted.map(({ count }) => count);
}

interface Counted {
  readonly kind: string;
  readonly id: string;
  readonly returned: boolean;
  readonly count: Count;
}

async function findCounts({ store, limits }: Overview, { account, address }: CountFilter): Promise<readonly Counted[]> {
  const isEverything = account === undefined && address === undefined;
  const found: Counted[] = [];
  for (const { guessed, side, kind } of COUNTED) {
    const wanted = side === "account" ? account : address;
    if (wanted === undefined && !isEverything) continue;
    const prefix = wanted === undefined ? "" : side === "account" ? accountKey(wanted) : addressKey(wanted);
    const { limit } = guessed === "device" ? limits.device.address : limits[guessed][side];
    for (const counter of await store.counters(kind, prefix)) {
      // "10.0.0.1" is also the beginning of "10.0.0.12".
      if (side === "address" && wanted !== undefined && counter.id !== prefix) continue;
      found.push(await countedOf(store, { guessed, side, kind, limit }, counter));
    }
  }
  return found;
}

async function countedOf(
  store: Store,
  where: { guessed: Count["guessed"]; side: "account" | "address"; kind: string; limit: number },
  { id, count, expiresAt }: { id: string; count: number; expiresAt: number },
): Promise<Counted> {
  const { guessed, side, kind, limit } = where;
  const returned = await store.counter(`${kind}.returned`, `${id} ${expiresAt}`);
  const isBrowser = side === "account" && id.includes("@");
  return {
    kind,
    id,
    returned: returned !== undefined,
    count: {
      guessed,
      of: isBrowser ? "browser" : side,
      key: side === "address" ? id : id.slice(0, 12),
      attempts: count - (returned?.count ?? 0),
      limit,
      until: expiresAt,
    },
  };
}
