import { closeSync, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { constants, DatabaseSync } from "node:sqlite";

/**
 * Opens a database of accounts for scripts. It is made when it is missing, readable by its owner alone: it holds password hashes
 * and factor secrets. No statement reaches another file: `ATTACH` and `VACUUM INTO` would go round `allow.databases`.
 * @throws Error with SQLite's own words.
 */
export function openAccountsFile(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  closeSync(openSync(path, "a", 0o600));
  const database = new DatabaseSync(path);
  try {
    database.exec(
      "PRAGMA busy_timeout = 3000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON",
    );
  } catch (error) {
    database.close();
    throw error;
  }
  // A plain VACUUM attaches a database without a name, which is no file of anyone else.
  database.setAuthorizer((action, file) =>
    action === constants.SQLITE_ATTACH && file !== "" ? constants.SQLITE_DENY : constants.SQLITE_OK,
  );
  return database;
}
