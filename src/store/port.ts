/** A JSON object as the store keeps it. Values must survive `JSON.parse(JSON.stringify(value))`. */
export type JsonObject = { readonly [key: string]: unknown };

/** One stored fact. */
export interface StoredRecord {
  readonly value: JsonObject;
  /** Grows with every write of this record; the token for {@link Store.replace}. */
  readonly version: number;
  /** Milliseconds since the epoch, or `undefined` for a record that does not expire. */
  readonly expiresAt: number | undefined;
  /** Milliseconds since the epoch at which {@link Store.consume} first succeeded. */
  readonly consumedAt: number | undefined;
}

export interface PutOptions {
  /** Milliseconds since the epoch after which the record no longer exists for readers. */
  readonly expiresAt?: number | undefined;
  /** Up to a handful of secondary keys, e.g. `{ grant: "…", uid: "…", account: "…" }`. */
  readonly index?: Readonly<Record<string, string>>;
}

/** A counter that starts anew when its window is over. */
export interface Counter {
  readonly count: number;
  /** Milliseconds since the epoch at which the window ends. */
  readonly expiresAt: number;
}

/**
 * Where the provider keeps its own facts: sessions, grants, tokens, attempts, keys, marks, counters.
 *
 * A promise that resolves means the fact is durable as far as `kind` demands it (see `durability.ts`), and visible to every
 * instance on the same store. Expired records are never returned. Every failure is an `IdpError("STORE_UNAVAILABLE")`.
 */
export interface Store {
  /** Writes the record, replacing what stood under the same key together with its index entries and its consumed mark. */
  put(kind: string, id: string, value: JsonObject, options?: PutOptions): Promise<void>;
  /** Like {@link put}, but only where no live record stands. Of parallel callers exactly one gets `true`. */
  create(kind: string, id: string, value: JsonObject, options?: PutOptions): Promise<boolean>;
  get(kind: string, id: string): Promise<StoredRecord | undefined>;
  /** Writes only if the record still has `version`; keeps expiry and index. `false`: somebody was faster, or it is gone. */
  replace(kind: string, id: string, version: number, value: JsonObject): Promise<boolean>;
  /** Removes and returns the record. Of parallel takers exactly one gets it. */
  take(kind: string, id: string): Promise<StoredRecord | undefined>;
  /** Marks the record consumed at `at`. Of parallel callers exactly one gets `true`; an absent record gives `false`. */
  consume(kind: string, id: string, at: number): Promise<boolean>;
  /** `true` if something was removed. */
  delete(kind: string, id: string): Promise<boolean>;
  findByIndex(
    kind: string,
    index: string,
    value: string,
  ): Promise<readonly { readonly id: string; readonly record: StoredRecord }[]>;
  /** Removes every record of `kind` with that index entry; the number removed. */
  deleteByIndex(kind: string, index: string, value: string): Promise<number>;
  /** All live records of a kind, for the few small kinds that are listed (keys). */
  list(kind: string): Promise<readonly { readonly id: string; readonly record: StoredRecord }[]>;
  /** Atomic and durable: `true` for the first caller with this `(kind, id)` until `expiresAt`, `false` for all others. */
  consumeOnce(kind: string, id: string, expiresAt: number): Promise<boolean>;
  /**
   * Adds one atomically; opens a window of `windowMs` when none is open, and with `renew` makes an open one last as long from now. One that
   * would end later than a new one (the clock went back) ends then.
   */
  increment(kind: string, id: string, windowMs: number, options?: { readonly renew?: boolean }): Promise<Counter>;
  counter(kind: string, id: string): Promise<Counter | undefined>;
  /** All counters of a kind with an open window whose id begins with `prefix`, for operators. */
  counters(kind: string, prefix: string): Promise<readonly (Counter & { readonly id: string })[]>;
  resetCounter(kind: string, id: string): Promise<void>;
  /** Deletes what has expired, in small batches; the number removed. Called by a timer of the composition root. */
  sweep(): Promise<number>;
  /** Throws `STORE_UNAVAILABLE` when the store cannot answer now. For readiness. */
  ping(): Promise<void>;
  close(): Promise<void>;
}
