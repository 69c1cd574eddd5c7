import type { LuaState } from "fengari";
import type { CFunction } from "./call.ts";
import type { Control } from "./control.ts";
import { coroutineFunctions } from "./coroutines.ts";
import { type HelperDeps, helperFunctions } from "./helpers.ts";
import { protectedCalls } from "./protected-calls.ts";
import type { Values } from "./values.ts";

type Fengari = typeof import("fengari");

/** Opens the libraries a script may have, by name, with our own protected calls and coroutines in place of the library's. */
export function openLibraries(fengari: Fengari, L: LuaState, control: Control): void {
  const { lua, lauxlib, lualib, to_luastring } = fengari;
  const libraries = {
    _G: lualib.luaopen_base,
    string: lualib.luaopen_string,
    table: lualib.luaopen_table,
    math: lualib.luaopen_math,
    coroutine: lualib.luaopen_coroutine,
    utf8: lualib.luaopen_utf8,
  };
  for (const [name, open] of Object.entries(libraries)) {
    lauxlib.luaL_requiref(L, to_luastring(name), open, 1);
    lua.lua_pop(L, 1);
  }
  lua.lua_pushglobaltable(L);
  setFunctions(fengari, L, protectedCalls(fengari, control));
  lua.lua_getglobal(L, to_luastring("coroutine"));
  setFunctions(fengari, L, coroutineFunctions(fengari, control));
  protectStrings(fengari, L);
  lua.lua_settop(L, 0);
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

/** Pushes the table of host functions that answer at once; the prelude alone gets it. */
export function pushHelpers(fengari: Fengari, L: LuaState, deps: HelperTableDeps): void {
  const { lua } = fengari;
  const { values, control } = deps;
  const wrapped = Object.entries(helperFunctions(deps, () => control.current())).map(
    ([name, helper]): [string, CFunction] => [
      name,
      (state) => {
        const args = Array.from({ length: lua.lua_gettop(state) }, (_, index) => values.read(state, index + 1));
        const results = helper(...args);
        for (const result of results) values.push(state, result);
        return results.length;
      },
    ],
  );
  lua.lua_newtable(L);
  setFunctions(fengari, L, { ...Object.fromEntries(wrapped), metafield: metafield(fengari) });
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
