import type { StatementSync } from "node:sqlite";
import type { Clock } from "../kernel/index.ts";
import { isFlushed, isRemovalFlushed, KEEP_MARKS } from "./durability.ts";
import type { Counter, JsonObject, PutOptions, Store, StoredRecord } from "./port.ts";
import { type Connection, openConnections, type Statements } from "./sqlite-connection.ts";
import { unavailable } from "./sqlite-fault.ts";
import { SWEEP_BATCH } from "./sqlite-schema.ts";

/**
 * One SQLite file in WAL mode. Two connections: one flushes every commit to disk, the other leaves that to the checkpoint.
 * The kind of a record decides which one writes it; removals (but of locks), marks and consumption are flushed. A power cut never
 * loses a flushed fact, and a killed process loses nothing that was acknowledged.
 */
export function openSqliteStore(path: string, clock: Clock): Store {
  const { flushed, relaxed } = openConnections(path, clock);
  const connectionFor = (kind: string): Connection => (isFlushed(kind) ? flushed : relaxed);
  const now = (): number => clock.now();

  return {
    async put(kind, id, value, options) {
      const text = JSON.stringify(value);
      await write(connectionFor(kind), (sql) => putRecord(sql, { kind, id }, text, options));
    },
    async create(kind, id, value, options) {
      const text = JSON.stringify(value);
      return write(connectionFor(kind), (sql) => {
        if (sql.get.get(kind, id, now()) !== undefined) return false;
        putRecord(sql, { kind, id }, text, options);
        return true;
      });
    },
    get: (kind, id) => read(relaxed, (sql) => recordOf(sql.get.get(kind, id, now()))),
    async replace(kind, id, version, value) {
      const text = JSON.stringify(value);
      return write(connectionFor(kind), (sql) => hit(sql.replace.run(kind, id, now(), version, text)));
    },
    take: (kind, id) => write(flushed, (sql) => remove(sql, { kind, id }, now())),
    consume: (kind, id, at) => write(flushed, (sql) => hit(sql.consume.run(kind, id, now(), at))),
    delete: (kind, id) =>
      write(isRemovalFlushed(kind) ? flushed : relaxed, (sql) => remove(sql, { kind, id }, now()) !== undefined),
    findByIndex: (kind, name, value) => read(relaxed, (sql) => sql.find.all(kind, name, value, now()).map(entryOf)),
    deleteByIndex: (kind, name, value) =>
      write(flushed, (sql) => {
        const keys = sql.ids.all(kind, name, value) as { id: string }[];
        return keys.filter(({ id }) => remove(sql, { kind, id }, now()) !== undefined).length;
      }),
    list: (kind) => read(relaxed, (sql) => sql.list.all(kind, now()).map(entryOf)),
    consumeOnce: (kind, id, expiresAt) => write(flushed, (sql) => hit(sql.mark.run(kind, id, now(), expiresAt))),
    increment: (kind, id, windowMs, { renew = false } = {}) =>
      write(relaxed, (sql) => counterOf(one(sql.increment.get(kind, id, now(), now() + windowMs, Number(renew))))),
    counter: (kind, id) =>
      read(relaxed, (sql) => {
        const row = sql.counter.get(kind, id, now());
        return row === undefined ? undefined : counterOf(row);
      }),
    counters: (kind, prefix) =>
      read(relaxed, (sql) =>
        sql.counters.all(kind, prefix, now()).map((row) => ({ ...counterOf(row), id: (row as Pick<Row, "id">).id })),
      ),
    resetCounter: (kind, id) => write(relaxed, (sql) => void sql.reset.run(kind, id)),
    async sweep() {
      let removed = 0;
      for (;;) {
        const batch = await write(relaxed, (sql) => sweepBatch(sql, now()));
        removed += batch.removed;
        if (!batch.isMore) return removed;
      }
    },
    // An empty write transaction finds a database that is read-only or held by somebody else.
    ping: () => write(relaxed, (sql) => void sql.ping.get()),
    async close() {
      for (const { database, writer } of [flushed, relaxed]) {
        writer.finish();
        if (database.isOpen) database.close();
      }
    },
  };
}

function write<Value>({ writer, sql }: Connection, run: (sql: Statements) => Value): Promise<Value> {
  return writer.write(() => run(sql));
}

function putRecord(
  sql: Statements,
  { kind, id }: { kind: string; id: string },
  text: string,
  { expiresAt, index }: PutOptions = {},
): void {
  const { version } = one(sql.put.get(kind, id, text, expiresAt ?? null)) as { version: number };
  if (version > 1) sql.unindex.run(kind, id);
  for (const name in index) sql.index.run(kind, name, index[name] ?? "", id);
}

async function read<Value>({ sql }: Connection, run: (sql: Statements) => Value): Promise<Value> {
  try {
    return run(sql);
  } catch (cause) {
    throw unavailable(cause);
  }
}

/** Removes the record with its index entries; what it was, if it had not expired. */
function remove(sql: Statements, key: { kind: string; id: string }, now: number): StoredRecord | undefined {
  const row = sql.remove.get(key.kind, key.id);
  if (row === undefined) return undefined;
  sql.unindex.run(key.kind, key.id);
  const record = recordOf(row);
  return record?.expiresAt === undefined || record.expiresAt > now ? record : undefined;
}

function sweepBatch(sql: Statements, now: number): { readonly removed: number; readonly isMore: boolean } {
  const expired = sql.expired.all(now) as { kind: string; id: string }[];
  for (const key of expired) remove(sql, key, now);
  const counts = [
    expired.length,
    Number(sql.sweepMarks.run(now - KEEP_MARKS).changes),
    Number(sql.sweepCounters.run(now).changes),
  ];
  return { removed: counts.reduce((sum, count) => sum + count, 0), isMore: Math.max(...counts) >= SWEEP_BATCH };
}

function hit({ changes }: ReturnType<StatementSync["run"]>): boolean {
  return changes === 1;
}

/** The row a statement always gives. */
function one<Found>(row: Found | undefined): Found {
  if (row === undefined) throw new Error("the database gave no row");
  return row;
}

interface Row {
  readonly id: string;
  readonly value: string;
  readonly version: number;
  readonly expires_at: number | null;
  readonly consumed_at: number | null;
}

function recordOf(found: unknown): StoredRecord | undefined {
  if (found === undefined) return undefined;
  const row = found as Omit<Row, "id">;
  return {
    value: JSON.parse(row.value) as JsonObject,
    version: row.version,
    expiresAt: row.expires_at ?? undefined,
    consumedAt: row.consumed_at ?? undefined,
  };
}

function entryOf(found: unknown): { readonly id: string; readonly record: StoredRecord } {
  return { id: (found as Row).id, record: one(recordOf(found)) };
}

function counterOf(found: unknown): Counter {
  const { count, expires_at: expiresAt } = found as { count: number; expires_at: number };
  return { count, expiresAt };
}
