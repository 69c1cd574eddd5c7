import type { Counter, Store } from "../store/index.ts";
import { type Limit, type ThrottleLimits, type Watch, watchOf, windowAfter } from "./policy.ts";
import { accountKey, addressKey, networkKey } from "./subject-keys.ts";
import { SURGE, surgeUntil } from "./surge.ts";
import { kindsOf, returnedKey } from "./tallies.ts";
import { prefixOf } from "./throttle.ts";

/** Attempts that were counted and can still matter. */
export interface Count {
  readonly guessed: "password" | "factor" | "device";
  /** `browser`: one the account signed in with before, counted by itself. `provider`: failures that tell of a surge. */
  readonly of: Watch["of"] | "provider";
  /** The address or its network; of an account the beginning of its hash, as names are not kept; of a pair both. */
  readonly key: string;
  readonly attempts: number;
  readonly limit: number;
  /** Milliseconds since the epoch at which it starts anew. */
  readonly until: number;
  /** Failures in a row. */
  readonly failed: number;
  /** Milliseconds of the next window. */
  readonly window: number;
  /** Of the provider: whether there is a surge now. */
  readonly surge: boolean;
}

/** Default: everything. The name as typed at the sign-in, any spelling of the address. */
export interface CountFilter {
  readonly account?: string | undefined;
  readonly address?: string | undefined;
}

interface Overview {
  readonly store: Store;
  readonly limits: {
    readonly password: ThrottleLimits & { readonly surge: Limit };
    readonly factor: ThrottleLimits;
    readonly device: ThrottleLimits;
  };
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** What the throttles of passwords and of factors have counted, those over their limit first. */
export async function listCounts(overview: Overview, filter: CountFilter): Promise<readonly Count[]> {
  const found = await findCounts(overview, filter);
  return found
    .map(({ count }) => count)
    .toSorted((a, b) => b.attempts / b.limit - a.attempts / a.limit || a.until - b.until);
}

/** Forgets them, so that the next attempt is the first one. Returns what was forgotten. */
export async function clearCounts(overview: Overview, filter: CountFilter): Promise<readonly Count[]> {
  const found = await findCounts(overview, filter);
  for (const { forget } of found) await forget();
  return found.map(({ count }) => count);
}

interface Found {
  readonly count: Count;
  readonly forget: () => Promise<void>;
}

async function findCounts(overview: Overview, filter: CountFilter): Promise<readonly Found[]> {
  const isEverything = filter.account === undefined && filter.address === undefined;
  const surge = surgeUntil(await overview.store.get(SURGE.kind, SURGE.id));
  const found: Found[] = isEverything ? await provider(overview, surge) : [];
  for (const guessed of ["password", "factor", "device"] as const) {
    const isSurge = guessed === "password" && surge > overview.now;
    for (const side of ["account", "pair", "address"] as const)
      found.push(...(await windows(overview, { guessed, side, isSurge }, selector(side, filter))));
  }
  return found;
}

/** Which keys are meant: those that begin so and fit. */
interface Selector {
  readonly prefix: string;
  readonly fits: (key: string) => boolean;
}

/** `undefined`: none of them. */
function selector(of: Side, { account, address }: CountFilter): Selector | undefined {
  if (account === undefined && address === undefined) return { prefix: "", fits: () => true };
  const name = account === undefined ? undefined : accountKey(account);
  const keys = address === undefined ? [] : [addressKey(address), networkKey(address)];
  if (of === "account") return name === undefined ? undefined : { prefix: name, fits: () => true };
  if (of === "address") return { prefix: "", fits: (key) => keys.includes(key) };
  return {
    prefix: "",
    fits: (key) => {
      const [first, second] = key.split(" ");
      return first === name || keys.includes(second);
    },
  };
}

type Side = "account" | "pair" | "address";

async function windows(
  { store, limits }: Overview,
  { guessed, side, isSurge }: { guessed: Count["guessed"]; side: Side; isSurge: boolean },
  selected: Selector | undefined,
): Promise<readonly Found[]> {
  if (selected === undefined) return [];
  const kinds = kindsOf(prefixOf(guessed), side);
  const listed = async (kind: string) => {
    const counters = await store.counters(kind, selected.prefix);
    return new Map(counters.filter(({ id }) => selected.fits(id)).map((counter) => [counter.id, counter]));
  };
  const [attempts, failures] = [await listed(kinds.attempts), await listed(kinds.failed)];
  const one = async (id: string): Promise<Found> => {
    const window = attempts.get(id);
    const failed = failures.get(id);
    const returned = window === undefined ? undefined : returnedKey(id, window);
    const back = returned === undefined ? undefined : await store.counter(kinds.returned, returned);
    const of = side === "account" && id.includes("@") ? "browser" : side;
    const watch = watchOf({ of, key: id }, limits[guessed], isSurge);
    const forget = async (): Promise<void> => {
      await Promise.all([store.resetCounter(kinds.attempts, id), store.resetCounter(kinds.failed, id)]);
      if (returned !== undefined && back !== undefined) await store.resetCounter(kinds.returned, returned);
    };
    return { count: { guessed, ...countOf(watch, { window, back, failed }) }, forget };
  };
  return Promise.all([...new Set([...attempts.keys(), ...failures.keys()])].map(one));
}

type Counters = { readonly [Name in "window" | "back" | "failed"]: Counter | undefined };

function countOf(watch: Watch, { window, back, failed }: Counters): Omit<Count, "guessed"> {
  const { of, key, limit } = watch;
  const row = failed?.count ?? 0;
  return {
    of,
    key: shown(of, key),
    attempts: (window?.count ?? 0) - (back?.count ?? 0),
    limit,
    until: (window ?? failed)?.expiresAt ?? 0,
    failed: row,
    window: windowAfter(watch, row),
    surge: false,
  };
}

/** Twelve characters of a hash tell accounts apart. */
function shown(of: Watch["of"], id: string): string {
  if (of === "address") return id;
  return [id.slice(0, 12), ...(of === "pair" ? [id.split(" ")[1] ?? ""] : [])].join(" ");
}

async function provider({ store, limits, now }: Overview, surge: number): Promise<Found[]> {
  const { kind, id } = SURGE;
  const counter = await store.counter(kind, id);
  const isOn = surge > now;
  if (counter === undefined && !isOn) return [];
  const { limit, window } = limits.password.surge;
  const count: Count = {
    guessed: "password",
    of: "provider",
    key: "",
    attempts: counter?.count ?? 0,
    limit,
    until: isOn ? surge : (counter?.expiresAt ?? 0),
    failed: 0,
    window,
    surge: isOn,
  };
  const forget = async (): Promise<void> => {
    await store.resetCounter(kind, id);
    // A running provider sees that it is over, and says so.
    if (isOn) await store.put(kind, id, { until: 0 });
  };
  return [{ count, forget }];
}
