import { chmodSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Clock, IdpError } from "../kernel/index.ts";
import { isFlushed } from "./durability.ts";
import type { Counter, JsonObject, Store, StoredRecord } from "./port.ts";
import { SCHEMA, SCHEMA_VERSION, STATEMENTS } from "./sqlite-schema.ts";
import { createWriter, unavailable, type Writer } from "./sqlite-writer.ts";

type Statements = Readonly<Record<keyof typeof STATEMENTS, StatementSync>>;
interface Connection {
  readonly database: DatabaseSync;
  readonly statements: Statements;
  readonly writer: Writer;
}

/**
 * One SQLite file in WAL mode. Two connections: one flushes every commit to disk, the other leaves that to the checkpoint;
 * the kind of a record decides which one writes it.
 */
export function openSqliteStore(path: string, clock: Clock): Store {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const flushed = connect(path, "FULL");
    chmodSync(path, 0o600);
    return storeOver({ flushed, relaxed: connect(path, "NORMAL") }, clock);
  } catch (cause) {
    throw cause instanceof IdpError ? cause : unavailable(cause);
  }
}

function connect(path: string, synchronous: "FULL" | "NORMAL"): Connection {
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`);
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version !== 0 && version !== SCHEMA_VERSION) {
    throw new IdpError("STORE_UNAVAILABLE", {
      because: `the database has schema version ${version}, this program knows ${SCHEMA_VERSION}`,
    });
  }
  database.exec(`BEGIN IMMEDIATE; ${SCHEMA}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  const prepared = Object.entries(STATEMENTS).map(([name, sql]) => {
    const statement = database.prepare(sql);
    statement.setAllowUnknownNamedParameters(true);
    return [name, statement] as const;
  });
  return {
    database,
    statements: Object.fromEntries(prepared) as unknown as Statements,
    writer: createWriter(database),
  };
}

function storeOver({ flushed, relaxed }: { flushed: Connection; relaxed: Connection }, clock: Clock): Store {
  const connectionFor = (kind: string): Connection => (isFlushed(kind) ? flushed : relaxed);
  const write = <Value>(connection: Connection, run: (statements: Statements) => Value): Promise<Value> =>
    connection.writer.write(() => run(connection.statements));
  const now = () => clock.now();

  return {
    put: (kind, id, value, options = {}) => {
      const text = JSON.stringify(value);
      return write(connectionFor(kind), (sql) => {
        sql.put.run({ kind, id, value: text, expires_at: options.expiresAt ?? null });
        if (options.index === undefined) return;
        sql.unindex.run({ kind, id });
        for (const [name, entry] of Object.entries(options.index)) sql.index.run({ kind, name, value: entry, id });
      });
    },
    get: (kind, id) => read(() => recordOf(relaxed.statements.get.get({ kind, id, now: now() }))),
    replace: (kind, id, version, value) =>
      write(
        connectionFor(kind),
        (sql) => sql.replace.run({ kind, id, version, value: JSON.stringify(value), now: now() }).changes === 1,
      ),
    take: (kind, id) =>
      write(flushed, (sql) => {
        const record = recordOf(sql.get.get({ kind, id, now: now() }));
        remove(sql, kind, id);
        return record;
      }),
    consume: (kind, id, at) => write(flushed, (sql) => sql.consume.run({ kind, id, at, now: now() }).changes === 1),
    delete: (kind, id) => write(connectionFor(kind), (sql) => remove(sql, kind, id)),
    findByIndex: (kind, name, value) =>
      read(() => relaxed.statements.find.all({ kind, name, value, now: now() }).map(rowOf)),
    deleteByIndex: (kind, name, value) =>
      write(connectionFor(kind), (sql) => {
        const rows = sql.find.all({ kind, name, value, now: now() }).map(rowOf);
        return rows.filter(({ id }) => remove(sql, kind, id)).length;
      }),
    list: (kind) => read(() => relaxed.statements.list.all({ kind, now: now() }).map(rowOf)),
    consumeOnce: (kind, id, expiresAt) =>
      write(flushed, (sql) => sql.mark.run({ kind, id, expires_at: expiresAt, now: now() }).changes === 1),
    increment: (kind, id, windowMs) =>
      write(
        relaxed,
        (sql) =>
          counterOf(sql.increment.get({ kind, id, expires_at: now() + windowMs, now: now() })) ?? {
            count: 1,
            expiresAt: now() + windowMs,
          },
      ),
    counter: (kind, id) => read(() => counterOf(relaxed.statements.counter.get({ kind, id, now: now() }))),
    resetCounter: (kind, id) => write(relaxed, (sql) => void sql.reset.run({ kind, id })),
    sweep: () => write(relaxed, (sql) => sweep(sql, now())),
    ping: () => read(() => void relaxed.database.prepare("SELECT 1").get()),
    async close() {
      for (const { database, writer } of [flushed, relaxed]) {
        writer.flush();
        if (database.isOpen) database.close();
      }
    },
  };
}

async function read<Value>(run: () => Value): Promise<Value> {
  try {
    return run();
  } catch (cause) {
    throw unavailable(cause);
  }
}

function remove(sql: Statements, kind: string, id: string): boolean {
  sql.unindex.run({ kind, id });
  return sql.remove.run({ kind, id }).changes === 1;
}

function sweep(sql: Statements, now: number): number {
  const expired = sql.expired.all({ now }) as { kind: string; id: string }[];
  for (const { kind, id } of expired) remove(sql, kind, id);
  return expired.length + Number(sql.sweepMarks.run({ now }).changes) + Number(sql.sweepCounters.run({ now }).changes);
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
  const row = found as Row;
  return {
    value: JSON.parse(row.value) as JsonObject,
    version: row.version,
    expiresAt: row.expires_at ?? undefined,
    consumedAt: row.consumed_at ?? undefined,
  };
}

function rowOf(found: unknown): { readonly id: string; readonly record: StoredRecord } {
  return { id: (found as Row).id, record: recordOf(found) as StoredRecord };
}

function counterOf(found: unknown): Counter | undefined {
  if (found === undefined) return undefined;
  const { count, expires_at: expiresAt } = found as { count: number; expires_at: number };
  return { count, expiresAt };
}
