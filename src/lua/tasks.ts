import type { LuaState } from "fengari";
import type { CFunction, Now } from "./call.ts";

/**
 * A library function in steps. It yields either the number of arguments of a function it has pushed, to have it called for one
 * result, or `REST`, to let other calls run first. It returns the number of its results.
 */
export type Task = Generator<number, number, undefined>;
export const REST = -1;

/** Library functions that may be suspended: by the host inside a function they call, or because they have run for long. */
export interface Tasks {
  run(L: LuaState, task: Task): number;
  /** Suspends the call, which goes on with `again`; only after `isOver` said so. */
  rest(L: LuaState, again: CFunction): number;
  /** Pushes `value[key]`; or, answering `true`, a function and its two arguments that give it. */
  element(L: LuaState, index: number, key: number): boolean;
}

export function createTasks({ lua, lauxlib, to_luastring }: typeof import("fengari"), now: Now): Tasks {
  const INDEX = to_luastring("__index");

  const rest = (L: LuaState, again: CFunction): number => {
    const call = now.current();
    if (call !== undefined) call.pause = "slice";
    return lua.lua_yieldk(L, 0, 0, again);
  };
  const go = (L: LuaState, task: Task, again: CFunction): number => {
    for (;;) {
      const step = task.next();
      if (step.done === true) {
        now.rest(L);
        return step.value;
      }
      if (step.value === REST) return rest(L, again);
      lua.lua_callk(L, step.value, 1, 0, again);
    }
  };

  return {
    rest,
    run(L, task) {
      const again: CFunction = (state) => go(state, task, again);
      return go(L, task, again);
    },
    element(L, index, key) {
      if (lua.lua_type(L, index) !== lua.LUA_TTABLE) {
        lua.lua_geti(L, index, key);
        return false;
      }
      if (lua.lua_rawgeti(L, index, key) !== lua.LUA_TNIL) return false;
      const kind = lauxlib.luaL_getmetafield(L, index, INDEX);
      if (kind === lua.LUA_TNIL) return false;
      if (kind !== lua.LUA_TFUNCTION) {
        lua.lua_pop(L, 2);
        lua.lua_geti(L, index, key);
        return false;
      }
      lua.lua_remove(L, -2);
      lua.lua_pushvalue(L, index);
      lua.lua_pushinteger(L, key);
      return true;
    },
  };
}
