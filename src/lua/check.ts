import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { MODULES } from "./modules.ts";

/** Something in a script that will not do what its author thinks. */
export interface ScriptFinding {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Globals a script finds (see `prelude.lua`); a test holds the two together. */
export const KNOWN_GLOBALS: ReadonlySet<string> = new Set(
  `_G _VERSION assert backend_result collectgarbage coroutine dynamic_loader error getfenv getmetatable io ipairs load loadstring math module nauthilus
   nauthilus_backend_result nauthilus_builtin newproxy next os package pairs pcall print rawequal rawget rawlen rawset require select setfenv setmetatable
   string table tonumber tostring type unpack utf8 xpcall`.split(/\s+/),
);

/** What `require` knows as a library of the language. */
const LIBRARIES: ReadonlySet<string> = new Set(["string", "table", "math", "coroutine", "utf8", "os"]);

const KNOWN_CODES: ReadonlySet<string> = new Set([
  "BACKEND_RESULT_OK",
  "BACKEND_RESULT_ERROR",
  "BACKEND_RESULT_FAIL",
  "BACKEND_RESULT_NOT_FOUND",
  "BACKEND_RESULT_DENIED",
]);

interface Constant {
  readonly value: unknown;
  ttisstring(): boolean;
  svalue(): Uint8Array;
}

interface Proto {
  readonly k: readonly Constant[];
  readonly p: readonly Proto[];
  readonly code: readonly {
    readonly opcode: number;
    readonly A: number;
    readonly B: number;
    readonly C: number;
    readonly Bx: number;
  }[];
  readonly lineinfo: readonly number[];
  readonly upvalues: readonly { readonly name: { getstr(): Uint8Array } }[];
}

/** Opcodes of Lua 5.3 that name a global, a field or what is called. */
const OP = {
  loadConstant: 1,
  call: 36,
  tailCall: 37,
  getGlobalTable: 6,
  getTable: 7,
  setGlobalTable: 8,
  self: 12,
} as const;
const IS_CONSTANT = 0x1_00;

/**
 * Reads a script without running it: names it uses that nobody defines, result codes that do not exist, and modules that are not
 * there or do nothing. A module of the operator's own is a file below `packagePath`; globals of the `init` scripts are there.
 */
export function inspectScript(
  file: string,
  { packagePath = [], init = [] }: { packagePath?: readonly string[]; init?: readonly string[] } = {},
): readonly ScriptFinding[] {
  const main = compile(file);
  if (typeof main === "string") return [{ file, line: Number(/:(\d+):/.exec(main)?.[1] ?? 0), message: main }];
  const before = init.map(compile).filter((found) => typeof found !== "string");
  const defined = new Set(
    [main, ...before].flatMap((proto) => visit(proto, (use) => (use.kind === "set" ? [use.name] : []))),
  );
  const findings = visit(main, (use): ScriptFinding[] => {
    const { kind, name, line } = use;
    if (kind === "require") {
      const message = moduleFault(name, packagePath);
      return message === undefined ? [] : [{ file, line, message }];
    }
    if (kind === "field" && name.startsWith("BACKEND_RESULT_") && !KNOWN_CODES.has(name)) {
      return [{ file, line, message: `there is no result code ${name}; it would be nil, and nil is an error` }];
    }
    if (kind !== "get" || KNOWN_GLOBALS.has(name) || defined.has(name)) return [];
    return [{ file, line, message: `the global ${name} is never set; it would be nil` }];
  });
  return findings.toSorted((a, b) => a.line - b.line);
}

/** Why `require(name)` gives nothing, or nothing that works. */
function moduleFault(name: string, packagePath: readonly string[]): string | undefined {
  const entry = Object.hasOwn(MODULES, name) ? MODULES[name] : undefined;
  if (entry === undefined || "refused" in entry) {
    if (LIBRARIES.has(name) || packagePath.some((folder) => existsSync(`${folder}/${name.replaceAll(".", "/")}.lua`)))
      return undefined;
    const why = entry === undefined ? "no file of that name is on the package path" : entry.refused;
    return `there is no module ${name}: ${why}`;
  }
  return entry.inert === undefined ? undefined : `the module ${name} does nothing here: ${entry.inert}`;
}

interface Use {
  /** `require`: a call with this name, written out. */
  readonly kind: "get" | "set" | "field" | "require";
  readonly name: string;
  readonly line: number;
}

function visit<Item>(proto: Proto, look: (use: Use) => readonly Item[]): readonly Item[] {
  const own = proto.code.flatMap((instruction, index) => {
    const line = proto.lineinfo[index] ?? 0;
    const use = useOf(proto, instruction, line);
    const required = use?.kind === "get" && use.name === "require" ? requiredBy(proto, index, line) : undefined;
    return [use, required].flatMap((one) => (one === undefined ? [] : look(one)));
  });
  return [...own, ...proto.p.flatMap((inner) => visit(inner, look))];
}

function useOf(proto: Proto, { opcode, A, B, C }: Proto["code"][number], line: number): Use | undefined {
  if (opcode === OP.getGlobalTable) return named(proto, C, { kind: isEnvironment(proto, B) ? "get" : "field", line });
  if (opcode === OP.setGlobalTable && isEnvironment(proto, A)) return named(proto, B, { kind: "set", line });
  return opcode === OP.getTable || opcode === OP.self ? named(proto, C, { kind: "field", line }) : undefined;
}

/** The name after a `require` whose argument is written out: the next two instructions load it and call. */
function requiredBy(proto: Proto, index: number, line: number): Use | undefined {
  const [load, call] = proto.code.slice(index + 1, index + 3);
  const constant = load?.opcode === OP.loadConstant ? proto.k[load.Bx] : undefined;
  if (call?.opcode !== OP.call && call?.opcode !== OP.tailCall) return undefined;
  return constant?.ttisstring() === true ? { kind: "require", name: textOf(constant), line } : undefined;
}

function textOf(constant: Constant): string {
  return Buffer.from(constant.svalue()).toString("utf8");
}

function isEnvironment(proto: Proto, upvalue: number): boolean {
  const name = proto.upvalues[upvalue]?.name;
  return name !== undefined && Buffer.from(name.getstr()).toString() === "_ENV";
}

function named(proto: Proto, operand: number, use: Omit<Use, "name">): Use | undefined {
  const constant = (operand & IS_CONSTANT) === 0 ? undefined : proto.k[operand & 0xff];
  return constant?.ttisstring() === true ? { ...use, name: textOf(constant) } : undefined;
}

function compile(file: string): Proto | string {
  const { lua, lauxlib, to_luastring } = createRequire(import.meta.url)("fengari") as typeof import("fengari");
  const state = lauxlib.luaL_newstate();
  const source = new Uint8Array(readFileSync(file));
  const status = lauxlib.luaL_loadbufferx(state, source, source.length, to_luastring(`@${file}`), to_luastring("t"));
  if (status !== lua.LUA_OK) return Buffer.from(lua.lua_tostring(state, -1) ?? []).toString("utf8");
  return (lua.lua_topointer(state, -1) as { readonly p: Proto }).p;
}
