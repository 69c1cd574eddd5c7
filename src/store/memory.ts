import type { Clock } from "../kernel/index.ts";
import type { Counter, JsonObject, Store, StoredRecord } from "./port.ts";

interface Row {
  readonly text: string;
  readonly version: number;
  readonly expiresAt: number | undefined;
  readonly consumedAt: number | undefined;
  readonly index: Readonly<Record<string, string>>;
}

/** A store that ends with the process: for tests and trials. Values are kept as text, so that callers never share objects. */
export function createMemoryStore(clock: Clock): Store {
  const rows = new Map<string, Row>();
  const byIndex = new Map<string, Set<string>>();
  const marks = new Map<string, number>();
  const counters = new Map<string, Counter>();
  const keyOf = (...parts: readonly string[]): string => parts.join("\u0000");
  const isLive = (until: number | undefined): boolean => until === undefined || until > clock.now();

  const remove = (kind: string, id: string): Row | undefined => {
    const key = keyOf(kind, id);
    const row = rows.get(key);
    if (row === undefined) return undefined;
    rows.delete(key);
    for (const [name, value] of Object.entries(row.index)) {
      const entry = keyOf(kind, name, value);
      byIndex.get(entry)?.delete(id);
      if (byIndex.get(entry)?.size === 0) byIndex.delete(entry);
    }
    return isLive(row.expiresAt) ? row : undefined;
  };
  const live = (kind: string, id: string): Row | undefined => {
    const row = rows.get(keyOf(kind, id));
    return row !== undefined && isLive(row.expiresAt) ? row : undefined;
  };
  const found = (kind: string, ids: Iterable<string>) =>
    [...ids].flatMap((id) => {
      const row = live(kind, id);
      return row === undefined ? [] : [{ id, record: recordOf(row) }];
    });

  return {
    async put(kind, id, value, options = {}) {
      remove(kind, id);
      const index = options.index ?? {};
      rows.set(keyOf(kind, id), {
        text: JSON.stringify(value),
        version: 1,
        expiresAt: options.expiresAt,
        consumedAt: undefined,
        index,
      });
      for (const [name, entry] of Object.entries(index)) {
        const key = keyOf(kind, name, entry);
        byIndex.set(key, (byIndex.get(key) ?? new Set()).add(id));
      }
    },
    async get(kind, id) {
      const row = live(kind, id);
      return row === undefined ? undefined : recordOf(row);
    },
    async replace(kind, id, version, value) {
      const row = live(kind, id);
      if (row === undefined || row.version !== version) return false;
      rows.set(keyOf(kind, id), { ...row, text: JSON.stringify(value), version: version + 1 });
      return true;
    },
    async take(kind, id) {
      const row = remove(kind, id);
      return row === undefined ? undefined : recordOf(row);
    },
    async consume(kind, id, at) {
      const row = live(kind, id);
      if (row === undefined || row.consumedAt !== undefined) return false;
      rows.set(keyOf(kind, id), { ...row, consumedAt: at });
      return true;
    },
    async delete(kind, id) {
      return remove(kind, id) !== undefined;
    },
    async findByIndex(kind, index, value) {
      return found(kind, byIndex.get(keyOf(kind, index, value)) ?? []);
    },
    async deleteByIndex(kind, index, value) {
      const ids = [...(byIndex.get(keyOf(kind, index, value)) ?? [])];
      return ids.filter((id) => remove(kind, id) !== undefined).length;
    },
    async list(kind) {
      const prefix = keyOf(kind, "");
      return found(
        kind,
        [...rows.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length)),
      );
    },
    async consumeOnce(kind, id, expiresAt) {
      const key = keyOf(kind, id);
      if (isLive(marks.get(key) ?? 0)) return false;
      marks.set(key, expiresAt);
      return true;
    },
    async increment(kind, id, windowMs) {
      const key = keyOf(kind, id);
      const known = counters.get(key);
      const next =
        known !== undefined && isLive(known.expiresAt)
          ? { count: known.count + 1, expiresAt: known.expiresAt }
          : { count: 1, expiresAt: clock.now() + windowMs };
      counters.set(key, next);
      return next;
    },
    async counter(kind, id) {
      const known = counters.get(keyOf(kind, id));
      return known !== undefined && isLive(known.expiresAt) ? known : undefined;
    },
    async resetCounter(kind, id) {
      counters.delete(keyOf(kind, id));
    },
    async sweep() {
      let removed = 0;
      for (const [key, row] of rows) {
        if (isLive(row.expiresAt)) continue;
        const [kind = "", id = ""] = key.split("\u0000");
        remove(kind, id);
        removed += 1;
      }
      for (const [key, until] of marks) if (!isLive(until)) removed += Number(marks.delete(key));
      for (const [key, { expiresAt }] of counters) if (!isLive(expiresAt)) removed += Number(counters.delete(key));
      return removed;
    },
    async ping() {},
    async close() {
      rows.clear();
      byIndex.clear();
    },
  };
}

function recordOf(row: Row): StoredRecord {
  return {
    value: JSON.parse(row.text) as JsonObject,
    version: row.version,
    expiresAt: row.expiresAt,
    consumedAt: row.consumedAt,
  };
}
