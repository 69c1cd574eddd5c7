import type { LuaState } from "fengari";
import type { CFunction, Now } from "./call.ts";

/** Instructions a caught error counts for: raising and catching costs far more than its few instructions say. */
export const CAUGHT_ERROR = 500;

/** `pcall` and `xpcall` that cannot hold a call which is being ended, and that keep the count hook alive. */
export function protectedCalls(
  { lua, lauxlib }: typeof import("fengari"),
  now: Now,
): Readonly<Record<"pcall" | "xpcall", CFunction>> {
  const finish = (L: LuaState, status: number, extra: number): number => {
    now.rethrow();
    if (status === lua.LUA_OK || status === lua.LUA_YIELD) return lua.lua_gettop(L) - extra;
    now.charge(CAUGHT_ERROR);
    // Look at the clock again at the next instruction, so that a slow error does not keep the neighbours waiting.
    L.hookcount = 1;
    lua.lua_pushboolean(L, false);
    lua.lua_pushvalue(L, -2);
    return 2;
  };
  /** The library stores `allowhook` with a wrong mask; with this bit set its own formula gives the right value. */
  const keepHooks = (L: LuaState): void => {
    (L as LuaState & { ci: { callstatus: number } }).ci.callstatus |= 1;
  };
  return {
    pcall: (L) => {
      lauxlib.luaL_checkany(L, 1);
      lua.lua_pushboolean(L, true);
      lua.lua_insert(L, 1);
      keepHooks(L);
      return finish(L, lua.lua_pcallk(L, lua.lua_gettop(L) - 2, lua.LUA_MULTRET, 0, 0, finish), 0);
    },
    xpcall: (L) => {
      const args = lua.lua_gettop(L);
      lauxlib.luaL_checktype(L, 2, lua.LUA_TFUNCTION);
      lua.lua_pushboolean(L, true);
      lua.lua_pushvalue(L, 1);
      lua.lua_rotate(L, 3, 2);
      keepHooks(L);
      return finish(L, lua.lua_pcallk(L, args - 2, lua.LUA_MULTRET, 2, 2, finish), 2);
    },
  };
}
