import type { LuaState } from "fengari";
import { baseFunctions, priced, prices, tonumberFunction, WIDE, wide } from "./base-library.ts";
import type { CFunction, Now, Running } from "./call.ts";
import { type Control, guarded } from "./control.ts";
import { coroutineFunctions } from "./coroutines.ts";
import { formatFunction } from "./format.ts";
import { type HelperDeps, helperFunctions } from "./helpers.ts";
import { protectedCalls } from "./protected-calls.ts";
import { stringFunctions } from "./string-library.ts";
import { tableFunctions } from "./table-library.ts";
import type { Values } from "./values.ts";

type Fengari = typeof import("fengari");

/** Opens the libraries a script may have, by name, with our own functions where the library's could not be held or ended. */
export function openLibraries(fengari: Fengari, L: LuaState, control: Control): void {
  const { lua, lauxlib, lualib, to_luastring } = fengari;
  const libraries = {
    _G: lualib.luaopen_base,
    string: lualib.luaopen_string,
    table: lualib.luaopen_table,
    math: lualib.luaopen_math,
    coroutine: lualib.luaopen_coroutine,
    utf8: lualib.luaopen_utf8,
    // For the prelude alone, which takes it away.
    debug: lualib.luaopen_debug,
  };
  for (const [name, open] of Object.entries(libraries)) {
    lauxlib.luaL_requiref(L, to_luastring(name), open, 1);
    lua.lua_pop(L, 1);
  }
  const install = (library: string, functions: Readonly<Record<string, CFunction>>): void => {
    lua.lua_getglobal(L, to_luastring(library));
    setFunctions(fengari, L, functions);
    lua.lua_pop(L, 1);
  };
  for (const [library, functions] of Object.entries(prices(fengari))) {
    for (const [name, price] of Object.entries(functions)) {
      install(library, { [name]: priced(control, stock(fengari, L, library, name), price) });
    }
  }
  for (const [library, name] of WIDE)
    install(library, { [name]: wide(fengari, control, stock(fengari, L, library, name)) });
  install("_G", { ...protectedCalls(fengari, control), ...baseFunctions(fengari, control) });
  install("coroutine", coroutineFunctions(fengari, control));
  install("string", stringFunctions(fengari, control));
  const [insert, remove] = [stock(fengari, L, "table", "insert"), stock(fengari, L, "table", "remove")];
  install("table", tableFunctions(fengari, control, { insert, remove }));
  install("string", { format: guarded(fengari, formatFunction(fengari, stock(fengari, L, "string", "format"))) });
  install("_G", { tonumber: tonumberFunction(fengari, stock(fengari, L, "_G", "tonumber")) });
  protectStrings(fengari, L);
  lua.lua_settop(L, 0);
}

/** A function as the package has it. */
function stock({ lua, to_luastring }: Fengari, L: LuaState, library: string, name: string): CFunction {
  lua.lua_getglobal(L, to_luastring(library));
  lua.lua_getfield(L, -1, to_luastring(name));
  const fn = lua.lua_tocfunction(L, -1);
  lua.lua_pop(L, 2);
  if (fn === null) throw new Error(`${library}.${name} is no function`);
  return fn;
}

/** Puts functions into the table on top of the stack. */
function setFunctions(
  { lua, to_luastring }: Fengari,
  L: LuaState,
  functions: Readonly<Record<string, CFunction>>,
): void {
  for (const [name, fn] of Object.entries(functions)) {
    lua.lua_pushcfunction(L, fn);
    lua.lua_setfield(L, -2, to_luastring(name));
  }
}

/** The metatable of all strings is reachable from any of them, and would be shared between calls. */
function protectStrings({ lua, to_luastring }: Fengari, L: LuaState): void {
  lua.lua_pushstring(L, to_luastring(""));
  lua.lua_getmetatable(L, -1);
  lua.lua_pushstring(L, to_luastring("string"));
  lua.lua_setfield(L, -2, to_luastring("__metatable"));
}

export interface HelperTableDeps extends HelperDeps {
  readonly values: Values;
  readonly control: Control;
}

/** Pushes the table of host functions that answer at once; the prelude and its modules alone get it. */
export function pushHelpers(fengari: Fengari, L: LuaState, deps: HelperTableDeps): void {
  const { lua } = fengari;
  const { values, control } = deps;
  const wrapped = Object.entries(helperFunctions(deps, control)).map(([name, helper]): [string, CFunction] => [
    name,
    guarded(fengari, (state) => {
      const args = Array.from({ length: lua.lua_gettop(state) }, (_, index) => values.read(state, index + 1));
      const results = helper(...args);
      for (const result of results) values.push(state, result);
      return results.length;
    }),
  ]);
  lua.lua_newtable(L);
  setFunctions(fengari, L, {
    ...Object.fromEntries(wrapped),
    metafield: metafield(fengari),
    call_table: callTable(fengari, control),
  });
}

/** `call_table()`: a table of the call now running, gone with it. */
function callTable({ lua }: Fengari, now: Now): CFunction {
  const tables = new WeakMap<Running, (L: LuaState) => void>();
  return (L) => {
    const call = now.current();
    const known = call && tables.get(call);
    if (known !== undefined) {
      known(L);
      return 1;
    }
    lua.lua_newtable(L);
    if (call !== undefined) tables.set(call, lua.lua_toproxy(L, -1));
    return 1;
  };
}

/** `metafield(value, name)`: a field of a metatable even where `__metatable` hides it. */
function metafield({ lua }: Fengari): CFunction {
  return (L) => {
    lua.lua_settop(L, 2);
    if (!lua.lua_getmetatable(L, 1)) {
      lua.lua_pushnil(L);
      return 1;
    }
    lua.lua_pushvalue(L, 2);
    lua.lua_rawget(L, -2);
    return 1;
  };
}
