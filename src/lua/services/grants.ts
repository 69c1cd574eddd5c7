import type { LuaValue } from "../values.ts";
import type { Grants } from "./port.ts";
import { textOf } from "./text.ts";

const DRIVER = "sqlite3:";

/**
 * The absolute path of a granted database. A script may name it by its end (`./data/accounts.db`), as long as one grant alone ends so.
 * @throws Error naming the missing grant, or the driver there is.
 */
export function grantedPath({ databases }: Pick<Grants, "databases">, name: LuaValue | undefined): string {
  const wanted = textOf(name, "the database");
  if (!wanted.startsWith(DRIVER))
    throw new Error(`the driver "${wanted.split(":", 1)[0] ?? ""}" is not available; use sqlite3`);
  const address = wanted.slice(DRIVER.length);
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
