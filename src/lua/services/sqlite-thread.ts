// SQLite of scripts, on a thread of its own: its calls are synchronous and must not stop anything else.
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { LuaValue } from "../values.ts";
import { openAccountsFile } from "./sqlite-file.ts";
import { textOf } from "./text.ts";
import { serve } from "./thread-entry.ts";

interface Open {
  readonly database: DatabaseSync;
  readonly statements: Map<string, StatementSync>;
}

const STATEMENTS = 200;
/** One answer's limits; a script that needs more asks in pages. */
const MAX_ROWS = 10_000;
const MAX_BYTES = 8 * 1024 * 1024;

const open = new Map<string, Open>();

function connect(path: string): Open {
  const known = open.get(path);
  if (known !== undefined) return known;
  const opened = { database: openAccountsFile(path), statements: new Map<string, StatementSync>() };
  open.set(path, opened);
  return opened;
}

function prepare({ database, statements }: Open, sql: string): StatementSync {
  const known = statements.get(sql);
  if (known !== undefined) return known;
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  statement.setReadBigInts(true);
  if (statements.size >= STATEMENTS) statements.clear();
  statements.set(sql, statement);
  return statement;
}

/** All scripts share the connection, so a transaction that outlives its operation would hold up every other call. */
function withoutOpenTransaction<Value>({ database }: Open, work: () => Value): Value {
  let value: Value;
  try {
    value = work();
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
  if (!database.isTransaction) return value;
  database.exec("ROLLBACK");
  throw new Error("a transaction cannot span several calls; give exec one text from BEGIN to COMMIT");
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

/** Integers that Lua's numbers cannot hold exactly stay exact as text. */
function cell(value: unknown): LuaValue {
  if (typeof value === "bigint") return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
  if (typeof value === "number") return value;
  if (typeof value === "string") return Buffer.from(value, "utf8").toString("latin1");
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : null;
}

function rowsOf(statement: StatementSync, values: readonly SQLInputValue[]): LuaValue[][] {
  const rows: LuaValue[][] = [];
  let bytes = 0;
  for (const row of statement.iterate(...values) as unknown as Iterable<unknown[]>) {
    const cells = row.map(cell);
    bytes += cells.reduce((sum: number, item) => sum + (typeof item === "string" ? item.length : 8), 0);
    if (rows.length >= MAX_ROWS) throw new Error(`the result has over ${MAX_ROWS} rows; use LIMIT`);
    if (bytes > MAX_BYTES) throw new Error("the result is larger than 8 MB; use LIMIT");
    rows.push(cells);
  }
  return rows;
}

/** Positional rows; a NULL is a hole and not the end of its row. */
function query([path, sql, values, width]: readonly LuaValue[]): LuaValue {
  const connection = connect(textOf(path, "the database"));
  return withoutOpenTransaction(connection, () => {
    const statement = prepare(connection, statementOf(sql));
    const rows = rowsOf(statement, parameters(values, width));
    return { columns: statement.columns().map(({ name }) => Buffer.from(name, "utf8").toString("latin1")), rows };
  });
}

/** Without parameters the text may hold several statements; the counts are then those of the last one that changed rows. */
function execute([path, sql, values, width]: readonly LuaValue[]): LuaValue {
  const connection = connect(textOf(path, "the database"));
  return withoutOpenTransaction(connection, () => {
    const before = countersOf(connection).total;
    if (Number(width ?? 0) === 0) connection.database.exec(statementOf(sql));
    else prepare(connection, statementOf(sql)).run(...parameters(values, width));
    const after = countersOf(connection);
    return { rows_affected: after.total === before ? 0 : after.changes, last_insert_id: after.last };
  });
}

/** `changes()` still tells of the previous change after a statement that changes nothing; the total does not. */
function countersOf(connection: Open): { total: number; changes: number; last: number } {
  const [row = []] = rowsOf(prepare(connection, "SELECT total_changes(), changes(), last_insert_rowid()"), []);
  return { total: Number(row[0]), changes: Number(row[1]), last: Number(row[2]) };
}

function statementOf(sql: LuaValue | undefined): string {
  return Buffer.from(textOf(sql, "the statement"), "latin1").toString("utf8");
}

serve({
  "db.open": ([path]) => {
    connect(textOf(path, "the database"));
    return true;
  },
  "db.prepare": ([path, sql]) => {
    prepare(connect(textOf(path, "the database")), statementOf(sql));
    return true;
  },
  "db.query": query,
  "db.exec": execute,
});
