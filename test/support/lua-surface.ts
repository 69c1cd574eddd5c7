import { readFileSync } from "node:fs";
import { BACKEND_FUNCTIONS, REQUEST_DEFAULTS } from "../../src/backend/index.ts";
import { MODULES } from "../../src/lua/modules.ts";

/** A name that scripts see, as a `---` line of `src/lua/` tells it. */
export interface Member {
  /** The class it belongs to; of a global the library. */
  readonly owner: string;
  readonly name: string;
  readonly isMethod: boolean;
  readonly isOptional: boolean;
  /** As written; undefined for what is no function. */
  readonly params: readonly string[] | undefined;
  /** What it returns; of what is no function its type. */
  readonly types: readonly string[];
  readonly meaning: string;
}

const LINE =
  /^\s*--- (?<names>(?:\w+[.:])?\w+(?:, (?:\w+[.:])?\w+)*)(?<optional>\??)(?<rest>(?:\(|: ).*?)(?: -- (?<meaning>.+))?$/;

/** The members told by the `---` lines of a Lua file: `name(param: type): type, type -- Meaning.` or `name: type -- Meaning.` */
export function membersOf(file: string): readonly Member[] {
  const lines = readFileSync(`src/lua/${file}.lua`, "utf8").split("\n");
  return lines.filter((line) => /^\s*---/.test(line)).flatMap((line) => read(line, file));
}

function read(line: string, file: string): readonly Member[] {
  const { names, optional, rest, meaning } = LINE.exec(line)?.groups ?? {};
  if (names === undefined || rest === undefined) throw new Error(`${file}.lua: not a signature: ${line}`);
  const pieces = splitOutside(rest, ":");
  const isFunction = rest.startsWith("(");
  const types = pieces.slice(1).join(": ");
  if (types === "") throw new Error(`${file}.lua: no type: ${line}`);
  const params = isFunction
    ? splitOutside(pieces[0]?.slice(1, -1) ?? "", ",").filter((param) => param !== "")
    : undefined;
  return names.split(", ").map((name) => {
    const [, owner = "", mark = "", own = ""] = /^(?:(\w+)([.:]))?(\w+)$/.exec(name) ?? [];
    const common = { owner, name: own, isMethod: mark === ":", isOptional: optional === "?", meaning: meaning ?? "" };
    return { ...common, params, types: isFunction ? splitOutside(types, ",") : [types] };
  });
}

/** Splits at a mark that stands within no brackets. */
function splitOutside(text: string, mark: string): readonly string[] {
  const pieces = [""];
  let depth = 0;
  for (const letter of text) {
    if ("([{<".includes(letter)) depth += 1;
    if (")]}>".includes(letter)) depth -= 1;
    if (letter === mark && depth === 0) pieces.push("");
    else pieces[pieces.length - 1] += letter;
  }
  return pieces.map((piece) => piece.trim());
}

/** What `require` gives, by the file it is made in. */
export interface Module {
  readonly file: string;
  readonly members: readonly Member[];
  /** Older names of it. */
  readonly aliases: readonly string[];
  readonly inert: string | undefined;
}

/** All that scripts see beside Lua 5.1. */
export interface Surface {
  readonly globals: readonly Member[];
  readonly modules: readonly Module[];
  readonly refused: readonly (readonly [name: string, reason: string])[];
  readonly request: readonly (readonly [name: string, type: string])[];
  readonly functions: readonly ContractFunction[];
}

interface ContractFunction {
  readonly name: string;
  readonly fields: readonly string[];
  /** LuaCATS, the result code first. */
  readonly returns: readonly string[];
}

const SECOND = { result: ["nauthilus_backend_result.Result?"], strings: ["string[]?"], code: [] } as const;

export function luaSurface(): Surface {
  const entries = Object.entries(MODULES);
  const modules = entries.flatMap(([file, entry]): Module[] => {
    if (!("file" in entry) || entry.file !== file) return [];
    const aliases = entries.flatMap(([name, { ...other }]) =>
      "file" in other && other.file === file && name !== file ? [name] : [],
    );
    return [{ file, members: membersOf(`modules/${file}`), aliases, inert: entry.inert }];
  });
  return {
    globals: [...membersOf("prelude"), ...membersOf("dialect")],
    modules: modules.toSorted((a, b) => (a.file < b.file ? -1 : 1)),
    refused: entries.flatMap(([name, entry]) => ("refused" in entry ? [[name, entry.refused] as const] : [])),
    request: [
      ...Object.entries(REQUEST_DEFAULTS).map(([name, value]) => [name, typeOf(value)] as const),
      ["logging", "{ log_format: string, log_level: string }"],
    ],
    functions: Object.entries(BACKEND_FUNCTIONS).map(([name, { fields, returns }]) => ({
      name,
      fields,
      returns: ["integer", ...SECOND[returns]],
    })),
  };
}

function typeOf(value: (typeof REQUEST_DEFAULTS)[string]): string {
  return Array.isArray(value) ? "string[]" : typeof value;
}
