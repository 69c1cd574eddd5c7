import { IdpError } from "../kernel/index.ts";

interface Explanation {
  /** What is wrong, to stand after "cannot be used:". */
  readonly because: string;
  /** What the operator does about it. */
  readonly repair: string;
}

const PERMISSIONS: Explanation = {
  because: "this user may not write it",
  repair: "Give the file and its folder to the user the provider runs as.",
};
const FULL: Explanation = {
  because: "the disk is full",
  repair: "Free some space; a provider that runs goes on by itself.",
};
const DAMAGED =
  "Stop the provider, see what `moonlatch store check` says, and bring back a backup with `moonlatch store restore`.";
const NO_FILE: Explanation = {
  because: "it cannot be opened",
  repair: "See that the path after sqlite: is right, and that this user may write the file and its folder.",
};

/** By primary result code of SQLite (https://www.sqlite.org/rescode.html). */
const BY_SQLITE: Readonly<Record<number, Explanation>> = {
  5: {
    because: "another process holds its lock",
    repair: "End what holds it, such as a copy that is under way; nothing is lost.",
  },
  8: { because: "it is read-only", repair: "Make the file, its folder and the file system writable." },
  10: { because: "it could not be read or written", repair: "Look at the disk, its limits and the system's log." },
  11: { because: "its content is damaged", repair: DAMAGED },
  13: FULL,
  14: NO_FILE,
  26: { because: "the file is not a database", repair: "Correct the path after sqlite:, or move the file away." },
};

/** By code of the operating system. */
const BY_SYSTEM: Readonly<Record<string, Explanation>> = {
  EACCES: PERMISSIONS,
  EPERM: PERMISSIONS,
  EROFS: { because: "its file system is read-only", repair: "Mount it writable." },
  ENOSPC: FULL,
  EDQUOT: FULL,
  EISDIR: NO_FILE,
  ENOENT: NO_FILE,
  ENOTDIR: NO_FILE,
};

/** SQLITE_BUSY and SQLITE_CORRUPT. */
const BUSY = 5;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** What SQLite or the file system said, as the error every store failure is; the facts name no values. */
export function unavailable(cause: unknown, file?: string): IdpError {
  const [code, sqlite] = [textOf(cause, "code"), textOf(cause, "errstr")];
  const { because, repair } = BY_SQLITE[resultCode(cause)] ?? BY_SYSTEM[code ?? ""] ?? {};
  return new IdpError("STORE_UNAVAILABLE", { file, because, repair, sqlite, code }, { cause });
}

/** A file that is sound but not for this program. */
export function refused(because: string, repair: string, file: string): IdpError {
  return new IdpError("STORE_UNAVAILABLE", { file, because, repair });
}

export function isBusy(cause: unknown): boolean {
  return resultCode(cause) === BUSY;
}

export function isDamaged(cause: unknown): boolean {
  return [CORRUPT, NOT_A_DATABASE].includes(resultCode(cause));
}

/** The primary result code, without the extended bits; 0 for what is no error of SQLite. */
function resultCode(cause: unknown): number {
  return cause instanceof Error && "errcode" in cause && typeof cause.errcode === "number" ? cause.errcode % 256 : 0;
}

function textOf(cause: unknown, name: string): string | undefined {
  const value: unknown = cause instanceof Error ? Reflect.get(cause, name) : undefined;
  return typeof value === "string" ? value : undefined;
}
