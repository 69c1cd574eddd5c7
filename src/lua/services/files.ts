import { open, realpath } from "node:fs/promises";
import { isAbsolute, join, sep } from "node:path";
import { fromBytes, type LuaValue, toBytes } from "../values.ts";
import type { Grants } from "./port.ts";
import { textOf } from "./text.ts";

const LARGEST = 8 * 1024 * 1024;

/**
 * What stands in a file, byte for byte. Only granted files and what is below granted folders is read, wherever links lead; a relative
 * name is looked for below each granted folder. @throws Error naming the missing grant, or why the file cannot be read.
 */
export async function readGranted({ files }: Grants, name: LuaValue | undefined): Promise<LuaValue> {
  const wanted = fromBytes(textOf(name, "the name of the file"));
  const candidates = isAbsolute(wanted) ? [wanted] : files.map((folder) => join(folder, wanted));
  const granted = (await Promise.all(files.map(real))).filter((path) => path !== undefined);
  const found = await Promise.all(candidates.map(real));
  for (const path of found) {
    if (path !== undefined && granted.some((grant) => path === grant || path.startsWith(grant + sep)))
      return await contentsOf(path, wanted);
  }
  const isInside = candidates.some((path) => files.some((grant) => join(path).startsWith(grant + sep)));
  throw new Error(
    isInside && found.every((path) => path === undefined)
      ? toBytes(`${wanted}: No such file or directory`)
      : toBytes(`${wanted}: not granted; add the file or its folder to allow.files of this backend`),
  );
}

function real(path: string): Promise<string | undefined> {
  return realpath(path).catch(() => undefined);
}

async function contentsOf(path: string, wanted: string): Promise<string> {
  const file = await open(path, "r");
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw new Error(toBytes(`${wanted}: is not a file`));
    if (facts.size > LARGEST) throw new Error(toBytes(`${wanted}: larger than 8 MB`));
    return (await file.readFile()).toString("latin1");
  } finally {
    await file.close();
  }
}
