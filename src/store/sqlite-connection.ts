import { chmodSync, closeSync, mkdirSync, openSync } from "node:fs";
import { dirname, isAbsolute } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type Clock, IdpError } from "../kernel/index.ts";
import { SCHEMA, SCHEMA_VERSION, STATEMENTS } from "./sqlite-schema.ts";
import { createWriter, unavailable, type Writer } from "./sqlite-writer.ts";

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
    ensureSchema(database);
    const sql = Object.fromEntries(Object.entries(STATEMENTS).map(([name, text]) => [name, database.prepare(text)]));
    database.exec(`PRAGMA busy_timeout = ${BUSY_TIMEOUT.open}`);
    return { database, sql: sql as Statements, writer: createWriter(database, clock) };
  };
  try {
    if (!isAbsolute(path)) throw new IdpError("STORE_UNAVAILABLE", { because: "the path must be absolute" });
    createPrivateFile(path);
    return { flushed: open("FULL"), relaxed: open("NORMAL") };
  } catch (cause) {
    for (const database of opened) database.close();
    throw cause instanceof IdpError ? cause : unavailable(cause);
  }
}

/** The file exists with its mode before SQLite opens it, because the WAL beside it is made with the same mode. */
function createPrivateFile(path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  try {
    // Only a new file is opened here: closing a file of an open database would drop this process's locks on it.
    closeSync(openSync(path, "wx", 0o600));
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EEXIST")) throw error;
  }
  chmodSync(path, 0o600);
}

function ensureSchema(database: DatabaseSync): void {
  // The write lock makes two programs that start together take turns, and finds a read-only database now.
  database.exec("BEGIN IMMEDIATE");
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version !== 0 && version !== SCHEMA_VERSION) {
    throw new IdpError("STORE_UNAVAILABLE", {
      because: `the database has schema version ${version}, this program knows ${SCHEMA_VERSION}`,
    });
  }
  database.exec(SCHEMA);
  if (version === 0) database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
  database.exec("COMMIT");
}
