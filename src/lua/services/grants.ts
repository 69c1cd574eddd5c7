import type { LuaValue } from "../values.ts";
import type { Grants } from "./port.ts";
import { textOf } from "./text.ts";

const DRIVER = "sqlite3:";

/** @throws Error naming the grant of a database server, `driver:host:port/database`, when it is missing. */
export function requireGrant({ databases }: Pick<Grants, "databases">, grant: string): void {
  if (!databases.includes(grant))
    throw new Error(`the database is not granted; add "${grant}" to allow.databases of this backend`);
}

/**
 * The absolute path of a granted SQLite database. A script may name it by its end (`./data/accounts.db`), as long as one grant alone ends so.
 * @throws Error naming the missing grant.
 */
export function grantedPath({ databases }: Pick<Grants, "databases">, name: LuaValue | undefined): string {
  const address = textOf(name, "the database");
  const plain = address
    .replace(/^file:/, "")
    .replace(/\?.*$/s, "")
    .replace(/^(?:\.\/)+/, "");
  const paths = databases.filter((one) => one.startsWith(DRIVER)).map((one) => one.slice(DRIVER.length));
  const exact = paths.find((path) => path === plain);
  if (exact !== undefined) return exact;
  const isRelative = plain !== "" && !plain.startsWith("/") && !plain.split("/").includes("..");
  const [found, other] = isRelative ? paths.filter((path) => path.endsWith(`/${plain}`)) : [];
  if (other !== undefined)
    throw new Error(`several databases in allow.databases end in ${plain}; write the whole path in the script`);
  if (found === undefined)
    throw new Error(
      `the database ${address} is not granted; add "${DRIVER}${address}" to allow.databases of this backend`,
    );
  return found;
}
