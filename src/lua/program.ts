import { readFileSync } from "node:fs";
import type { LuaState } from "fengari";
import { BACKEND_FUNCTIONS, type FunctionName, REQUEST_DEFAULTS } from "../backend/index.ts";
import { type Control, type ControlDeps, createControl, errorText, hostFunction, installHook } from "./control.ts";
import type { HelperDeps } from "./helpers.ts";
import { openLibraries, pushHelpers } from "./libraries.ts";
import { MODULES } from "./modules.ts";
import { loadFengari } from "./repairs.ts";
import { createValues, type Values } from "./values.ts";

export interface ProgramDeps extends HelperDeps, ControlDeps {
  /** Path of the script. */
  readonly script: string;
  /** Paths of what runs before it, once. */
  readonly init: readonly string[];
}

/** A Lua state with the prelude and one script loaded, ready for calls. */
export interface Program {
  readonly fengari: typeof import("fengari");
  readonly state: LuaState;
  readonly values: Values;
  readonly control: Control;
  readonly functions: readonly FunctionName[];
  /** Pushes the prelude's `run` and the script's chunk. */
  readonly pushEntry: (L: LuaState) => void;
}

/** What an empty table takes on the heap, roughly. */
const TABLE_BYTES = 600;
/** How many bytes of long strings are compared in the time of an instruction, roughly. */
const BYTES_PER_INSTRUCTION = 20;

/** @throws Error with file and line when the script does not compile or its top level fails. */
export function loadProgram(deps: ProgramDeps): Program {
  const control = createControl(deps);
  const fengari = loadFengari({
    string: (bytes) => control.makesString(bytes),
    table: () => control.allocates(TABLE_BYTES),
    looked: (bytes) => {
      control.charge(bytes / BYTES_PER_INSTRUCTION);
      const co = control.current()?.co;
      if (co !== undefined) control.rest(co);
    },
  });
  const { lua, lauxlib, to_luastring } = fengari;
  const values = createValues(fengari, (instructions) => control.charge(instructions));
  const L = lauxlib.luaL_newstate();
  installHook(fengari, L, control);
  openLibraries(fengari, L, control);

  const load = (source: string, name: string): void => {
    const bytes = Uint8Array.from(Buffer.from(source, "latin1"));
    const status = lauxlib.luaL_loadbufferx(L, bytes, bytes.length, to_luastring(name), to_luastring("t"));
    if (status !== lua.LUA_OK) throw new Error(errorText(fengari, L));
  };
  const protectedCall = (args: number, results: number): void => {
    if (lua.lua_pcall(L, args, results, 0) !== lua.LUA_OK) throw new Error(errorText(fengari, L));
  };
  const keep = (): ((L: LuaState) => void) => {
    const proxy = lua.lua_toproxy(L, -1);
    lua.lua_pop(L, 1);
    return proxy;
  };

  load(sourceOf("prelude"), "=moonlatch");
  lua.lua_pushcfunction(L, hostFunction(fengari, control, { ...deps, values }));
  pushHelpers(fengari, L, { ...deps, values, control });
  values.push(L, moduleSources());
  values.push(L, MODULES);
  const [lists, plain] = [entries((value) => Array.isArray(value)), entries((value) => !Array.isArray(value))];
  values.push(L, Object.fromEntries(plain));
  values.push(
    L,
    lists.map(([name]) => name),
  );
  protectedCall(6, 3);
  const initialize = keep();
  const probe = keep();
  const run = keep();

  const loadFile = (path: string): ((L: LuaState) => void) => {
    const source = deps.read(path);
    if (source === null) throw new Error(`there is no file ${path}`);
    // The environment is the chunk's argument, on the script's own first line, so that lines in messages stay true.
    load(`local _ENV=...;${source}`, `@${path}`);
    return keep();
  };
  for (const path of deps.init) {
    const once = loadFile(path);
    control.start(() => {
      initialize(L);
      once(L);
      protectedCall(1, 0);
    });
  }
  const chunk = loadFile(deps.script);
  const functions = control.start(() => {
    probe(L);
    chunk(L);
    values.push(L, Object.keys(BACKEND_FUNCTIONS));
    protectedCall(2, 1);
    const found = values.read(L, -1);
    lua.lua_pop(L, 1);
    return (Array.isArray(found) ? found : []) as FunctionName[];
  });
  const pushEntry = (co: LuaState): void => {
    run(co);
    chunk(co);
  };
  return { fengari, state: L, values, control, functions, pushEntry };
}

function sourceOf(part: string): string {
  return readFileSync(new URL(`./${part}.lua`, import.meta.url), "latin1");
}

/** The files the prelude is made of, by their names in it. */
function moduleSources(): Readonly<Record<string, string>> {
  const files = Object.values(MODULES).flatMap((entry) => ("file" in entry ? [`modules/${entry.file}`] : []));
  return Object.fromEntries(["dialect", ...new Set(files)].map((part) => [part, sourceOf(part)]));
}

function entries(isWanted: (value: unknown) => boolean) {
  return Object.entries(REQUEST_DEFAULTS).filter(([, value]) => isWanted(value));
}
