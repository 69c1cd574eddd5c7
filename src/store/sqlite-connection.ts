import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Clock, IdpError } from "../kernel/index.ts";
import { refused, unavailable } from "./sqlite-fault.ts";
import { SCHEMA, SCHEMA_VERSION, STATEMENTS } from "./sqlite-schema.ts";
import { createWriter, type Writer } from "./sqlite-writer.ts";

export type Statements = Readonly<Record<keyof typeof STATEMENTS, StatementSync>>;

export interface Connection {
  readonly database: DatabaseSync;
  readonly sql: Statements;
  readonly writer: Writer;
}

/** Milliseconds SQLite itself waits for a lock: while opening, and later, where waiting is the writer's and blocks nobody. */
const BUSY_TIMEOUT = { opening: 5_000, open: 5 } as const;

/**
 * Opens both connections to one database file, which is made (owner only, like its folder) when it is missing.
 * @throws IdpError STORE_UNAVAILABLE when it cannot be opened and written, or has another schema version.
 */
export function openConnections(path: string, clock: Clock): { flushed: Connection; relaxed: Connection } {
  const opened: DatabaseSync[] = [];
  const open = (synchronous: "FULL" | "NORMAL"): Connection => {
    const database = new DatabaseSync(path, { timeout: BUSY_TIMEOUT.opening });
    opened.push(database);
    database.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = ${synchronous}`);
    ensureSchema(database, path);
    const sql = Object.fromEntries(Object.entries(STATEMENTS).map(([name, text]) => [name, database.prepare(text)]));
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT.open}`);
    return { database, sql: sql as Statements, writer: createWriter(database, clock) };
  };
  try {
    if (!isAbsolute(path)) throw refused("the path is not absolute", "Correct the path after sqlite:.", path);
    createPrivateFile(path);
    return { flushed: open("FULL"), relaxed: open("NORMAL") };
  } catch (cause) {
    for (const database of opened) database.close();
    throw cause instanceof IdpError ? cause : unavailable(cause, path);
  }
}

/** The file exists with its mode before SQLite opens it, because the WAL beside it is made with the same mode. */
export function createPrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    // Only a new file is opened here: closing a file of an open database would drop this process's locks on it.
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  chmodSync(path, 0o600);
}

function ensureSchema(database: DatabaseSync, path: string): void {
  // The write lock makes two programs that start together take turns, and finds a read-only database now.
  database.exec("BEGIN IMMEDIATE");
  if (isOurs(database, path)) database.exec("ROLLBACK");
  else database.exec(`${SCHEMA}; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

/**
 * Whether a database has our tables; `false` for one that has none at all.
 * @throws IdpError STORE_UNAVAILABLE when it is of another version or another program.
 */
export function isOurs(database: DatabaseSync, path: string): boolean {
  const { version, tables, known } = database
    .prepare(
      `SELECT user_version AS version, (SELECT count(*) FROM sqlite_schema) AS tables,
         (SELECT count(*) FROM sqlite_schema WHERE name IN ('records', 'record_index', 'marks', 'counters')) AS known FROM pragma_user_version`,
    )
    .get() as { version: number; tables: number; known: number };
  if (version === 0 && tables === 0) return false;
  if (version !== 0 && version !== SCHEMA_VERSION)
    throw refused(
      `the database has schema version ${version}, this program knows ${SCHEMA_VERSION}`,
      "Use the program that made it, or a backup from before it was changed.",
      path,
    );
  if (version === 0 || known < 4)
    throw refused("it is the database of another program", "Correct the path after sqlite:.", path);
  return true;
}
