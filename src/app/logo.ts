import { readFileSync } from "node:fs";
import { extname } from "node:path";

/** The operator's logo as a public file of ours: no page asks another host for anything. */
export function readLogo(file: string | undefined): {
  readonly name: string | undefined;
  readonly files: Readonly<Record<string, Buffer>>;
} {
  if (file === undefined) return { name: undefined, files: {} };
  const name = `logo${extname(file).toLowerCase()}`;
  return { name, files: { [name]: readFileSync(file) } };
}
