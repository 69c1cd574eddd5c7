import type { Clock } from "../kernel/index.ts";
import { KEEP_MARKS } from "./durability.ts";
import type { Counter, JsonObject, PutOptions, Store, StoredRecord } from "./port.ts";

interface Row {
  readonly text: string;
  readonly version: number;
  readonly expiresAt: number | undefined;
  readonly consumedAt: number | undefined;
  readonly index: Readonly<Record<string, string>>;
}

/** All records of one kind. */
interface Shelf {
  readonly rows: Map<string, Row>;
  /** Ids by index name and value. */
  readonly ids: Map<string, Set<string>>;
}

/** A store that ends with the process: for tests and trials. Values are kept as text, so that callers never share objects. */
export function createMemoryStore(clock: Clock): Store {
  const shelves = new Map<string, Shelf>();
  const marks = new Map<string, number>();
  const counters = new Map<string, Counter>();
  const isLive = (until: number | undefined): boolean => until === undefined || until > clock.now();

  const shelf = (kind: string): Shelf => {
    const known = shelves.get(kind);
    if (known !== undefined) return known;
    const made: Shelf = { rows: new Map(), ids: new Map() };
    shelves.set(kind, made);
    return made;
  };
  const live = (kind: string, id: string): Row | undefined => {
    const row = shelves.get(kind)?.rows.get(id);
    return row !== undefined && isLive(row.expiresAt) ? row : undefined;
  };
  const remove = (kind: string, id: string): Row | undefined => {
    const row = removeFrom(shelf(kind), id);
    return row !== undefined && isLive(row.expiresAt) ? row : undefined;
  };
  const found = (kind: string, ids: Iterable<string>) =>
    [...ids].flatMap((id) => {
      const row = live(kind, id);
      return row === undefined ? [] : [{ id, record: recordOf(row) }];
    });
  const idsOf = (kind: string, name: string, value: string): readonly string[] => [
    ...(shelves.get(kind)?.ids.get(keyOf(name, value)) ?? []),
  ];

  const put = (kind: string, id: string, value: JsonObject, { expiresAt, index = {} }: PutOptions = {}): void => {
    const text = JSON.stringify(value);
    const { rows, ids } = shelf(kind);
    const version = (removeFrom(shelf(kind), id)?.version ?? 0) + 1;
    rows.set(id, { text, version, expiresAt, consumedAt: undefined, index });
    for (const [name, entry] of Object.entries(index)) {
      const key = keyOf(name, entry);
      ids.set(key, (ids.get(key) ?? new Set()).add(id));
    }
  };

  return {
    async create(kind, id, value, options) {
      if (live(kind, id) !== undefined) return false;
      put(kind, id, value, options);
      return true;
    },
    async put(kind, id, value, options) {
      put(kind, id, value, options);
    },
    async get(kind, id) {
      const row = live(kind, id);
      return row === undefined ? undefined : recordOf(row);
    },
    async replace(kind, id, version, value) {
      const text = JSON.stringify(value);
      const row = live(kind, id);
      if (row?.version !== version) return false;
      shelf(kind).rows.set(id, { ...row, text, version: version + 1 });
      return true;
    },
    async take(kind, id) {
      const row = remove(kind, id);
      return row === undefined ? undefined : recordOf(row);
    },
    async consume(kind, id, at) {
      const row = live(kind, id);
      if (row === undefined || row.consumedAt !== undefined) return false;
      shelf(kind).rows.set(id, { ...row, consumedAt: at, version: row.version + 1 });
      return true;
    },
    delete: async (kind, id) => remove(kind, id) !== undefined,
    findByIndex: async (kind, name, value) => found(kind, idsOf(kind, name, value)),
    deleteByIndex: async (kind, name, value) =>
      idsOf(kind, name, value).filter((id) => remove(kind, id) !== undefined).length,
    list: async (kind) => found(kind, shelves.get(kind)?.rows.keys() ?? []),
    async consumeOnce(kind, id, expiresAt) {
      const key = keyOf(kind, id);
      const until = marks.get(key);
      if (until !== undefined && isLive(until)) return false;
      marks.set(key, expiresAt);
      return true;
    },
    async increment(kind, id, windowMs, { renew = false } = {}) {
      const key = keyOf(kind, id);
      const last = counters.get(key);
      const known = last !== undefined && isLive(last.expiresAt) ? last : undefined;
      const until = clock.now() + windowMs;
      const next = {
        count: (known?.count ?? 0) + 1,
        expiresAt: renew ? until : Math.min(known?.expiresAt ?? until, until),
      };
      counters.set(key, next);
      return next;
    },
    async counter(kind, id) {
      const known = counters.get(keyOf(kind, id));
      return known !== undefined && isLive(known.expiresAt) ? known : undefined;
    },
    async counters(kind, prefix) {
      const start = keyOf(kind, prefix);
      return [...counters]
        .filter(([key, { expiresAt }]) => key.startsWith(start) && isLive(expiresAt))
        .map(([key, counter]) => ({ ...counter, id: key.slice(keyOf(kind, "").length) }));
    },
    resetCounter: async (kind, id) => void counters.delete(keyOf(kind, id)),
    async sweep() {
      let removed = 0;
      for (const each of shelves.values()) {
        for (const [id, { expiresAt }] of each.rows) {
          if (!isLive(expiresAt) && removeFrom(each, id) !== undefined) removed += 1;
        }
      }
      for (const [key, until] of marks) if (!isLive(until + KEEP_MARKS)) removed += Number(marks.delete(key));
      for (const [key, { expiresAt }] of counters) if (!isLive(expiresAt)) removed += Number(counters.delete(key));
      return removed;
    },
    async ping() {},
    async close() {
      for (const map of [shelves, marks, counters]) map.clear();
    },
  };
}

function removeFrom({ rows, ids }: Shelf, id: string): Row | undefined {
  const row = rows.get(id);
  rows.delete(id);
  for (const [name, value] of Object.entries(row?.index ?? {})) {
    const key = keyOf(name, value);
    ids.get(key)?.delete(id);
    if (ids.get(key)?.size === 0) ids.delete(key);
  }
  return row;
}

/** One key of two parts; the first is a name of this program and holds no NUL. */
function keyOf(name: string, rest: string): string {
  return `${name}\u0000${rest}`;
}

function recordOf(row: Row): StoredRecord {
  return {
    value: JSON.parse(row.text) as JsonObject,
    version: row.version,
    expiresAt: row.expiresAt,
    consumedAt: row.consumedAt,
  };
}
