import type { LuaState } from "fengari";
import type { CFunction, Now } from "./call.ts";
import { CAUGHT_ERROR } from "./protected-calls.ts";

/** Instructions a new coroutine counts for: each starts with a fresh hook counter. */
const COROUTINE = 100;
/** What a coroutine takes on the heap, roughly. */
const COROUTINE_BYTES = 4_000;

type After = (L: LuaState, status: number) => number;

/**
 * `coroutine.create`, `resume` and `wrap`. When the host suspends a call inside a script's coroutine, the suspension goes outward
 * level by level and comes back in the same way, unseen by the script.
 */
export function coroutineFunctions(
  { lua, lauxlib, to_luastring }: typeof import("fengari"),
  now: Now,
): Readonly<Record<string, CFunction>> {
  // A coroutine that waits for the host must not be resumed by anybody else: it would get a wrong answer.
  const isParked = new WeakSet<LuaState>();

  const run = (L: LuaState, co: LuaState, args: number, after: After): number => {
    const call = now.current();
    const outer = call?.mustBlock ?? false;
    if (call !== undefined && !now.mayYield(L)) call.mustBlock = true;
    const status = lua.lua_resume(co, L, args);
    if (call !== undefined) call.mustBlock = outer;
    now.rethrow();
    if (status !== lua.LUA_YIELD || call?.pause === undefined) return after(L, status);
    isParked.add(co);
    return lua.lua_yieldk(L, 0, 0, (again) => {
      isParked.delete(co);
      return run(again, co, 0, after);
    });
  };

  const enter = (L: LuaState, co: LuaState, args: number, after: After): number => {
    const isDead = lua.lua_status(co) === lua.LUA_OK && lua.lua_gettop(co) === 0;
    if (isParked.has(co) || isDead) {
      const why = isDead ? "cannot resume dead coroutine" : "cannot resume non-suspended coroutine";
      lua.lua_pushstring(co, to_luastring(why));
      return after(L, -1);
    }
    lua.lua_xmove(L, co, args);
    return run(L, co, args, after);
  };

  /** Moves what a coroutine yielded, returned or failed with to its resumer. */
  const take = (L: LuaState, co: LuaState, status: number): { readonly ok: boolean; readonly count: number } => {
    const ok = status === lua.LUA_OK || status === lua.LUA_YIELD;
    const count = ok ? lua.lua_gettop(co) : 1;
    if (!ok) now.charge(CAUGHT_ERROR);
    lua.lua_checkstack(L, count + 2);
    lua.lua_xmove(co, L, count);
    return { ok, count };
  };

  const threadAt = (L: LuaState, index: number): LuaState => {
    const co = lua.lua_tothread(L, index);
    if (co === null) lauxlib.luaL_checktype(L, index, lua.LUA_TTHREAD);
    return co as LuaState;
  };

  const create: CFunction = (L) => {
    lauxlib.luaL_checktype(L, 1, lua.LUA_TFUNCTION);
    now.charge(COROUTINE);
    now.allocates(COROUTINE_BYTES);
    const co = lua.lua_newthread(L);
    lua.lua_pushvalue(L, 1);
    lua.lua_xmove(L, co, 1);
    return 1;
  };

  return {
    create,
    resume: (L) => {
      const co = threadAt(L, 1);
      return enter(L, co, lua.lua_gettop(L) - 1, (state, status) => {
        const { ok, count } = take(state, co, status);
        lua.lua_pushboolean(state, ok);
        lua.lua_insert(state, -(count + 1));
        return count + 1;
      });
    },
    wrap: (L) => {
      create(L);
      const co = threadAt(L, -1);
      lua.lua_pushcfunction(L, (inner) =>
        enter(inner, co, lua.lua_gettop(inner), (state, status) => {
          const { ok, count } = take(state, co, status);
          return ok ? count : lua.lua_error(state);
        }),
      );
      return 1;
    },
  };
}
