// SQLite of scripts, on a thread of its own: its calls are synchronous and must not stop anything else.
import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { LuaValue } from "../values.ts";
import { createRows, exact, isReadOnly, parametersOf, type Rows, statementOf } from "./sql.ts";
import { openAccountsFile } from "./sqlite-file.ts";
import { textOf } from "./text.ts";
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

/** What a script asked for in `open`; the connection is everybody's. */
function readOnlyWhere<Value>({ database }: Open, options: LuaValue | undefined, work: () => Value): Value {
  if (!isReadOnly(options)) return work();
  database.exec("PRAGMA query_only = ON");
  try {
    return work();
  } finally {
    database.exec("PRAGMA query_only = OFF");
  }
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
  return parametersOf(values, width).map((value) => (typeof value === "boolean" ? BigInt(value) : value));
}

function cell(value: unknown): LuaValue {
  if (typeof value === "bigint") return exact(value);
  if (typeof value === "number") return value;
  if (typeof value === "string") return Buffer.from(value, "utf8").toString("latin1");
  return value instanceof Uint8Array ? Buffer.from(value).toString("latin1") : null;
}

function rowsOf(statement: StatementSync, values: readonly SQLInputValue[]): Rows["all"] {
  const rows = createRows();
  for (const row of statement.iterate(...values) as unknown as Iterable<unknown[]>) rows.add(row.map(cell));
  return rows.all;
}

/** Positional rows; a NULL is a hole and not the end of its row. */
function query(connection: Open, [, sql, values, width]: readonly LuaValue[]): LuaValue {
  const statement = prepare(connection, statementOf(sql));
  const rows = rowsOf(statement, parameters(values, width));
  return { columns: statement.columns().map(({ name }) => Buffer.from(name, "utf8").toString("latin1")), rows };
}

/** Without parameters the text may hold several statements; the counts are then those of the last one that changed rows. */
function execute(connection: Open, [, sql, values, width]: readonly LuaValue[]): LuaValue {
  const before = countersOf(connection).total;
  if (Number(width ?? 0) === 0) connection.database.exec(statementOf(sql));
  else prepare(connection, statementOf(sql)).run(...parameters(values, width));
  const after = countersOf(connection);
  return { rows_affected: after.total === before ? 0 : after.changes, last_insert_id: after.last };
}

const run =
  (work: (connection: Open, args: readonly LuaValue[]) => LuaValue) =>
  (args: readonly LuaValue[]): LuaValue => {
    const connection = connect(textOf(args[0], "the database"));
    return readOnlyWhere(connection, args[4], () => withoutOpenTransaction(connection, () => work(connection, args)));
  };

/** `changes()` still tells of the previous change after a statement that changes nothing; the total does not. */
function countersOf(connection: Open): { total: number; changes: number; last: number } {
  const [row = []] = rowsOf(prepare(connection, "SELECT total_changes(), changes(), last_insert_rowid()"), []);
  return { total: Number(row[0]), changes: Number(row[1]), last: Number(row[2]) };
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
  "db.query": run(query),
  "db.exec": run(execute),
});
