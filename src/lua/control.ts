import type { LuaState } from "fengari";
import { bytesOf, type LuaValue, type Values } from "./values.ts";

type Fengari = typeof import("fengari");
type CFunction = (L: LuaState) => number;

/** Ends a call from inside: no `pcall` of a script can hold it. */
export class Killed extends Error {
  override readonly name = "Killed";
}

/** One call on its way through Lua. */
export interface Running {
  readonly id: number;
  readonly co: LuaState;
  instructions: number;
  bytes: number;
  hostCalls: number;
  /** Why the coroutine is suspended, when it was not the script's own yield. */
  pause: "host" | "slice" | undefined;
  /** Raised while a coroutine runs whose resumer cannot yield: everything below must block instead. */
  mustBlock: boolean;
  killed: Killed | undefined;
  reply: { readonly value: LuaValue; readonly error: string | null } | undefined;
  statusMessage: string | undefined;
  readonly logged: [string, string][];
}

export interface ControlDeps {
  readonly instructions: number;
  readonly memory: number;
  readonly send: (call: number, op: string, args: readonly LuaValue[]) => void;
  readonly block: (call: number) => { readonly value: LuaValue; readonly error: string | null };
  readonly beat: () => void;
  readonly running: (call: number) => void;
}

const HOOK = 1_000;
const SLICE_MS = 2;
const CAUGHT_ERROR = 500;
const COROUTINE = 100;
const HOST_CALLS = 500;
const STRING_LIMIT = 16 * 1024 * 1024;

/** Budgets, suspension and the functions that must know of both. The hook and every function look only at the current call. */
export function createControl(deps: ControlDeps) {
  const calls = new Map<number, Running>();
  let current: Running | undefined;
  let sliceStart = 0;
  let fengari: Fengari;
  let values: Values;

  const kill = (why: string): never => {
    const killed = new Killed(why);
    if (current !== undefined) current.killed = killed;
    throw killed;
  };
  const charge = (instructions: number): void => {
    if (current === undefined) return;
    current.instructions += instructions;
    if (current.instructions > deps.instructions)
      kill("the script used up its instructions (lua.backends[].limits.instructions)");
  };
  const rethrow = (): void => {
    if (current?.killed !== undefined) throw current.killed;
  };
  const mayYield = (L: LuaState): boolean =>
    current !== undefined && !current.mustBlock && fengari.lua.lua_isyieldable(L);

  const hook = (L: LuaState): void => {
    deps.beat();
    charge(HOOK);
    if (current !== undefined && performance.now() - sliceStart > SLICE_MS && mayYield(L)) {
      current.pause = "slice";
      fengari.lua.lua_yield(L, 0);
    }
  };

  const pushReply = (L: LuaState): number => {
    const reply = current?.reply;
    if (current !== undefined) current.reply = undefined;
    values.push(L, reply?.value ?? null);
    values.push(L, reply?.error ?? null);
    return 2;
  };
  const hostFunction: CFunction = (L) => {
    const { lua } = fengari;
    const call = current;
    if (call === undefined) throw new Error("a host function was used outside a call");
    call.hostCalls += 1;
    if (call.hostCalls > HOST_CALLS) return kill(`the script made over ${HOST_CALLS} host calls`);
    const args = Array.from({ length: lua.lua_gettop(L) }, (_, index) => values.read(L, index + 1));
    deps.send(call.id, bytesOf(args[0]), args.slice(1));
    if (mayYield(L)) {
      call.pause = "host";
      return lua.lua_yieldk(L, 0, 0, pushReply);
    }
    call.reply = deps.block(call.id);
    return pushReply(L);
  };

  const finishProtected = (L: LuaState, status: number, extra: number): number => {
    const { lua } = fengari;
    rethrow();
    if (status === lua.LUA_OK || status === lua.LUA_YIELD) return lua.lua_gettop(L) - extra;
    charge(CAUGHT_ERROR);
    // A caught error can cost far more than its instructions: look at the clock again at the next one.
    L.hookcount = 1;
    lua.lua_pushboolean(L, false);
    lua.lua_pushvalue(L, -2);
    return 2;
  };
  /** The library stores `allowhook` with a wrong mask; with this bit set its own formula gives the right value. */
  const keepHooks = (L: LuaState): void => {
    (L as LuaState & { ci: { callstatus: number } }).ci.callstatus |= 1;
  };

  const isParked = new WeakSet<LuaState>();
  const resumeInner = (
    L: LuaState,
    co: LuaState,
    args: number,
    after: (L: LuaState, status: number) => number,
  ): number => {
    const { lua } = fengari;
    const call = current;
    const outer = call?.mustBlock ?? false;
    if (call !== undefined && !mayYield(L)) call.mustBlock = true;
    const status = lua.lua_resume(co, L, args);
    if (call !== undefined) call.mustBlock = outer;
    rethrow();
    if (status === lua.LUA_YIELD && call?.pause !== undefined) {
      isParked.add(co);
      return lua.lua_yieldk(L, 0, 0, (again) => {
        isParked.delete(co);
        return resumeInner(again, co, 0, after);
      });
    }
    return after(L, status);
  };
  const enter = (L: LuaState, co: LuaState, args: number, after: (L: LuaState, status: number) => number): number => {
    const { lua, to_luastring } = fengari;
    const isDead = lua.lua_status(co) === lua.LUA_OK && lua.lua_gettop(co) === 0;
    if (isParked.has(co) || isDead) {
      lua.lua_pushstring(
        co,
        to_luastring(isDead ? "cannot resume dead coroutine" : "cannot resume non-suspended coroutine"),
      );
      return after(L, -1);
    }
    lua.lua_xmove(L, co, args);
    return resumeInner(L, co, args, after);
  };
  const move = (L: LuaState, co: LuaState, status: number): { readonly ok: boolean; readonly count: number } => {
    const { lua } = fengari;
    const ok = status === lua.LUA_OK || status === lua.LUA_YIELD;
    const count = ok ? lua.lua_gettop(co) : 1;
    if (!ok) charge(CAUGHT_ERROR);
    lua.lua_checkstack(L, count + 2);
    lua.lua_xmove(co, L, count);
    return { ok, count };
  };

  const textAt = (L: LuaState, index: number): string => {
    const { lua, to_jsstring } = fengari;
    if (lua.lua_gettop(L) === 0) return "the script failed without a message";
    const type = lua.lua_type(L, index);
    if (type !== lua.LUA_TSTRING && type !== lua.LUA_TNUMBER)
      return `the script failed with a ${to_jsstring(lua.lua_typename(L, type))} instead of a message`;
    return Buffer.from(lua.lua_tostring(L, index) ?? [])
      .toString("utf8")
      .slice(0, 2_000);
  };

  return {
    hostFunction,
    textAt,
    current: () => current,
    attach(loaded: Fengari, L: LuaState, marshal: Values): void {
      fengari = loaded;
      values = marshal;
      loaded.lua.lua_sethook(L, hook, loaded.lua.LUA_MASKCOUNT, HOOK);
    },
    allocated(bytes: number): void {
      if (current === undefined) return;
      current.bytes += bytes;
      if (bytes > STRING_LIMIT) kill("the script made a string of over 16 MB");
      if (current.bytes > deps.memory * 2) kill("the script allocated too much (lua.backends[].limits.memory)");
    },
    /** Runs `work` under a budget of its own, for the script's top level at start. */
    start<Value>(work: () => Value): Value {
      current = newCall(0, undefined as unknown as LuaState);
      current.mustBlock = true;
      sliceStart = performance.now();
      try {
        return work();
      } catch (error) {
        throw current.killed ?? error;
      } finally {
        current = undefined;
      }
    },
    begin(id: number, co: LuaState): Running {
      const call = newCall(id, co);
      calls.set(id, call);
      return call;
    },
    find: (id: number) => calls.get(id),
    forget: (call: Running) => void calls.delete(call.id),
    resume(call: Running, args: number): number {
      current = call;
      sliceStart = performance.now();
      deps.running(call.id);
      try {
        return fengari.lua.lua_resume(call.co, null, args);
      } finally {
        current = undefined;
        deps.running(0);
      }
    },
    globals: {
      pcall: (L: LuaState) => {
        const { lua, lauxlib } = fengari;
        lauxlib.luaL_checkany(L, 1);
        lua.lua_pushboolean(L, true);
        lua.lua_insert(L, 1);
        keepHooks(L);
        return finishProtected(L, lua.lua_pcallk(L, lua.lua_gettop(L) - 2, lua.LUA_MULTRET, 0, 0, finishProtected), 0);
      },
      xpcall: (L: LuaState) => {
        const { lua, lauxlib } = fengari;
        const args = lua.lua_gettop(L);
        lauxlib.luaL_checktype(L, 2, lua.LUA_TFUNCTION);
        lua.lua_pushboolean(L, true);
        lua.lua_pushvalue(L, 1);
        lua.lua_rotate(L, 3, 2);
        keepHooks(L);
        return finishProtected(L, lua.lua_pcallk(L, args - 2, lua.LUA_MULTRET, 2, 2, finishProtected), 2);
      },
    } as Readonly<Record<string, CFunction>>,
    coroutines: {
      create: (L: LuaState) => create(L),
      resume: (L: LuaState) => {
        const { lua } = fengari;
        const co = threadAt(L, 1);
        return enter(L, co, lua.lua_gettop(L) - 1, (state, status) => {
          const { ok, count } = move(state, co, status);
          lua.lua_pushboolean(state, ok);
          lua.lua_insert(state, -(count + 1));
          return count + 1;
        });
      },
      wrap: (L: LuaState) => {
        const { lua } = fengari;
        create(L);
        const co = threadAt(L, -1);
        lua.lua_pushcfunction(L, (inner) =>
          enter(inner, co, lua.lua_gettop(inner), (state, status) => {
            const { ok, count } = move(state, co, status);
            return ok ? count : lua.lua_error(state);
          }),
        );
        return 1;
      },
    } as Readonly<Record<string, CFunction>>,
  };

  function create(L: LuaState): number {
    const { lua, lauxlib } = fengari;
    lauxlib.luaL_checktype(L, 1, lua.LUA_TFUNCTION);
    charge(COROUTINE);
    const co = lua.lua_newthread(L);
    lua.lua_pushvalue(L, 1);
    lua.lua_xmove(L, co, 1);
    return 1;
  }

  function threadAt(L: LuaState, index: number): LuaState {
    const { lua, lauxlib } = fengari;
    const co = lua.lua_tothread(L, index);
    if (co === null) lauxlib.luaL_checktype(L, index, lua.LUA_TTHREAD);
    return co as LuaState;
  }
}

export type Control = ReturnType<typeof createControl>;

function newCall(id: number, co: LuaState): Running {
  return {
    id,
    co,
    instructions: 0,
    bytes: 0,
    hostCalls: 0,
    pause: undefined,
    mustBlock: false,
    killed: undefined,
    reply: undefined,
    statusMessage: undefined,
    logged: [],
  };
}
