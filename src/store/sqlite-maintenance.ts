import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { KEPT_BY_RESTORE } from "./durability.ts";
import { createPrivateFile, isOurs } from "./sqlite-connection.ts";
import { isBusy, isDamaged, refused, unavailable } from "./sqlite-fault.ts";

/** What a store's file holds, and what is wrong with it. */
export interface StoreReport {
  readonly records: number;
  /** In SQLite's words; empty for a sound file. */
  readonly problems: readonly string[];
}

/** Faults of a file that are told. */
const TOLD = 20;
/** Milliseconds another process gets to let go of its lock. */
const BUSY_TIMEOUT = 2_000;
const WRONG_FILE = "Name a backup that `moonlatch store backup` made.";

/**
 * Reads the whole file and says what is wrong. A provider may use it meanwhile.
 * @throws IdpError STORE_UNAVAILABLE when it cannot be read, or is no store of this version.
 */
export function checkStore(file: string): StoreReport {
  return reading(file, (database) => {
    const rows = database.prepare(`PRAGMA integrity_check(${TOLD})`).all() as { integrity_check: string }[];
    const problems = rows.map(({ integrity_check: text }) => text).filter((text) => text !== "ok");
    return { records: problems.length === 0 ? countOf(database) : 0, problems };
  });
}

/**
 * Copies a store as it is at one moment, while a provider uses it, into a new file for its owner only. The copy has its name once it is
 * whole, checked and on disk.
 * @throws IdpError STORE_UNAVAILABLE when the store cannot be read, the file is there already, or cannot be written.
 */
export async function backupStore(file: string, target: string): Promise<StoreReport> {
  if (existsSync(target)) throw refused("the file is there already", "Name a new file.", target);
  return withPart(target, async (part) => {
    copy(file, part);
    const report = checkStore(part);
    if (report.problems.length > 0) throw refused("the copy is damaged", "Run `moonlatch store check`.", target);
    moveTo(part, target);
    return report;
  });
}

export interface RestoreOptions {
  /** Replace a store that has records, or one that cannot be read any more. */
  readonly force: boolean;
  /** Bring back sessions, grants, tokens and devices too, ended and used ones among them. */
  readonly keepSessions: boolean;
}

/**
 * Puts a backup in a store's place, wholly or not at all. What the present store says was used up stays used up, where it can be read.
 * @returns how many records came back, how many were left out, and whether what was used since is known.
 * @throws IdpError STORE_UNAVAILABLE when the backup is not sound, the store is in use, or it has records and `force` is not set.
 */
export async function restoreStore(
  from: string,
  file: string,
  { force, keepSessions }: RestoreOptions,
): Promise<{ readonly records: number; readonly leftOut: number; readonly knowsUsed: boolean }> {
  const { problems } = checkStore(from);
  if (problems.length > 0) throw refused(`its content is damaged (${problems[0] ?? ""})`, WRONG_FILE, from);
  try {
    createPrivateFile(file);
  } catch (cause) {
    throw unavailable(cause, file);
  }
  const present = takeOver(file);
  if (present !== 0 && !force)
    throw refused(
      present === "damaged" ? "its content is damaged" : `it has ${present} records`,
      "Say --force to replace it; a copy of its file beforehand does no harm.",
      file,
    );
  return withPart(file, async (part) => {
    copy(from, part);
    const counts = prepare(part, { keepSessions, used: present === "damaged" || present === 0 ? undefined : file });
    if (present === "damaged") {
      for (const leftover of [`${file}-wal`, `${file}-shm`, `${file}-journal`]) rmSync(leftover, { force: true });
      moveTo(part, file);
    } else await putInto(part, file);
    return { ...counts, knowsUsed: typeof present === "number" && present > 0 };
  });
}

/** Makes sure that nobody uses the file: SQLite leaves the WAL mode for the only user of a file alone. How many records it has. */
function takeOver(file: string): number | "damaged" {
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT });
  try {
    database.exec("PRAGMA journal_mode = DELETE");
    return isOurs(database, file) ? countOf(database) : 0;
  } catch (cause) {
    if (isDamaged(cause)) return "damaged";
    if (isBusy(cause)) throw refused("a process uses it", "Stop the provider first.", file);
    throw cause;
  } finally {
    database.close();
  }
}

/** The copy without what must not live again, and with what was used up since. */
function prepare(
  part: string,
  { keepSessions, used }: { readonly keepSessions: boolean; readonly used: string | undefined },
): { readonly records: number; readonly leftOut: number } {
  const database = new DatabaseSync(part);
  try {
    const all = countOf(database);
    if (!keepSessions) {
      const kept = KEPT_BY_RESTORE.map((kind) => `'${kind}'`).join();
      database.exec(
        `DELETE FROM records WHERE kind NOT IN (${kept}); DELETE FROM record_index WHERE kind NOT IN (${kept}); DELETE FROM counters;`,
      );
    }
    const records = countOf(database);
    if (used !== undefined) {
      database.prepare("ATTACH ? AS present").run(used);
      database.exec(`
        INSERT INTO marks SELECT * FROM present.marks WHERE true
          ON CONFLICT DO UPDATE SET expires_at = max(marks.expires_at, excluded.expires_at);
        INSERT OR IGNORE INTO records SELECT * FROM present.records WHERE kind = 'factor.used-code';`);
    }
    return { records, leftOut: all - records };
  } finally {
    database.close();
  }
}

/** Overwrites a database under SQLite's own locks and journal: a crash leaves the old one, and who opens it meanwhile waits. */
async function putInto(part: string, file: string): Promise<void> {
  const source = new DatabaseSync(part, { readOnly: true });
  try {
    await backup(source, file, { rate: 2 ** 31 - 1 });
  } catch (cause) {
    throw isBusy(cause) ? refused("a process uses it", "Stop the provider first.", file) : unavailable(cause, file);
  } finally {
    source.close();
  }
}

function copy(from: string, to: string): void {
  reading(from, (database) => database.prepare("VACUUM INTO ?").run(to));
}

function reading<Value>(file: string, work: (database: DatabaseSync) => Value): Value {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT });
    if (!isOurs(database, file)) throw refused("it is empty", WRONG_FILE, file);
    return work(database);
  } catch (cause) {
    throw cause instanceof Error && "errcode" in cause ? unavailable(cause, file) : cause;
  } finally {
    database?.close();
  }
}

function countOf(database: DatabaseSync): number {
  return (database.prepare("SELECT count(*) AS records FROM records").get() as { records: number }).records;
}

/** Gives an empty file for the owner only beside the target, which is gone afterwards whatever happens. */
async function withPart<Value>(target: string, work: (part: string) => Promise<Value>): Promise<Value> {
  const part = `${target}.part-${process.pid}`;
  try {
    closeSync(openSync(part, "wx", 0o600));
    return await work(part);
  } catch (cause) {
    throw cause instanceof Error && "errno" in cause ? unavailable(cause, target) : cause;
  } finally {
    for (const name of [part, `${part}-journal`]) rmSync(name, { force: true });
  }
}

function moveTo(part: string, target: string): void {
  flush(part);
  renameSync(part, target);
  flush(dirname(target));
}

function flush(path: string): void {
  const handle = openSync(path, "r");
  fsyncSync(handle);
  closeSync(handle);
}
