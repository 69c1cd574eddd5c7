// SQLite of scripts, on a thread of its own: its calls are synchronous and must not stop anything else.
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite";
import type { LuaValue } from "../values.ts";
import { serve } from "./thread-entry.ts";

interface Open {
  readonly database: DatabaseSync;
  readonly statements: Map<string, StatementSync>;
}

const STATEMENTS = 200;
const open = new Map<string, Open>();

function connect(path: string): Open {
  const known = open.get(path);
  if (known !== undefined) return known;
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(path);
  database.exec(
    "PRAGMA busy_timeout = 3000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
  );
  const opened = { database, statements: new Map<string, StatementSync>() };
  open.set(path, opened);
  return opened;
}

function prepare(path: string, sql: string): StatementSync {
  const { database, statements } = connect(path);
  const known = statements.get(sql);
  if (known !== undefined) return known;
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  if (statements.size >= STATEMENTS) statements.clear();
  statements.set(sql, statement);
  return statement;
}

/** Lua has one kind of number; whole ones are SQLite integers. Text and blobs are both bytes there. */
function parameters(values: LuaValue | undefined, width: LuaValue | undefined): SQLInputValue[] {
  const list = (Array.isArray(values) ? values : []) as readonly LuaValue[];
  const record = (Array.isArray(values) ? {} : (values ?? {})) as Readonly<Record<string, LuaValue>>;
  return Array.from({ length: Number(width ?? 0) }, (_, index) =>
    parameter(list[index] ?? record[String(index + 1)] ?? null),
  );
}

function parameter(value: LuaValue): SQLInputValue {
  if (value === null) return null;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value === "boolean") return value ? 1n : 0n;
  if (typeof value !== "string") throw new Error("a parameter must be text, a number, a boolean or nil");
  const bytes = Buffer.from(value, "latin1");
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? text : bytes;
}

function cell(value: unknown): LuaValue {
  if (typeof value === "bigint") return Number(value);
  if (typeof value === "number") return value;
  if (typeof value === "string") return Buffer.from(value, "utf8").toString("latin1");
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : null;
}

function query([path, sql, values, width]: readonly LuaValue[]): LuaValue {
  const statement = prepare(String(path), Buffer.from(String(sql), "latin1").toString("utf8"));
  const columns = statement.columns().map((column) => Buffer.from(column.name, "utf8").toString("latin1"));
  const rows = statement.all(...parameters(values, width)) as unknown as unknown[][];
  // Rows as records of positions, so that a NULL is a hole and not the end of the row.
  return { columns, rows: rows.map((row) => row.map(cell)) };
}

function execute([path, sql, values, width]: readonly LuaValue[]): LuaValue {
  const text = Buffer.from(String(sql), "latin1").toString("utf8");
  if (Number(width ?? 0) === 0 && text.includes(";")) {
    connect(String(path)).database.exec(text);
    return { rows_affected: 0, last_insert_id: 0 };
  }
  const { changes, lastInsertRowid } = prepare(String(path), text).run(...parameters(values, width));
  return { rows_affected: Number(changes), last_insert_id: Number(lastInsertRowid) };
}

serve({
  "db.open": ([path]) => {
    connect(String(path));
    return true;
  },
  "db.prepare": ([path, sql]) => {
    prepare(String(path), Buffer.from(String(sql), "latin1").toString("utf8"));
    return true;
  },
  "db.query": query,
  "db.exec": execute,
});
