import { getHeapStatistics } from "node:v8";
import { resourceLimits } from "node:worker_threads";
import type { LuaState } from "fengari";
import { type CFunction, Killed, type Now, newCall, type Running } from "./call.ts";
import type { EndedBy, HostReply } from "./messages.ts";
import { createStopwatch, threadTime } from "./stopwatch.ts";
import { bytesOf, type LuaValue, type Values } from "./values.ts";

export interface ControlDeps {
  /** Lua instructions a call may use. */
  readonly instructions: number;
  /** Bytes a call may allocate at a time, roughly. */
  readonly memory: number;
  /** CPU milliseconds a call may run. */
  readonly cpuTime: number;
  readonly send: (call: number, op: string, args: readonly LuaValue[]) => void;
  readonly block: (call: number) => HostReply;
  /** Tells the watchdog that Lua moves. */
  readonly beat: () => void;
  readonly running: (call: number) => void;
}

const HOOK = 1_000;
const HOST_CALLS = 500;
const STRING_LIMIT = 16 * 1024 * 1024;
/** Instructions after which it is looked again how full the heap is. */
const HEAP_CHECK = 100_000;
/** Bytes on the heap of this thread at which a long call is ended, before the thread is. */
const HEAP_LIMIT = (resourceLimits.maxOldGenerationSizeMb ?? Number.POSITIVE_INFINITY) * 0.6 * 1024 * 1024;
/** By how much the heap must have grown during the call. */
const HEAP_GROWTH = 32 * 1024 * 1024;

/** The budgets of calls, and which of them runs now. */
export interface Control extends Now {
  /** The count hook: charges, and suspends a call that has run for its slice. */
  hook(fengari: typeof import("fengari")): (L: LuaState) => void;
  /** Runs `work` under a budget of its own, for the script's top level at start. */
  start<Value>(work: () => Value): Value;
  begin(id: number, co: LuaState): Running;
  find(id: number): Running | undefined;
  forget(call: Running): void;
  resume(fengari: typeof import("fengari"), call: Running, args: number): number;
}

export function createControl(deps: ControlDeps): Control {
  const calls = new Map<number, Running>();
  let current: Running | undefined;
  const stopwatch = createStopwatch(() => performance.now(), threadTime);
  // Instructions charged since the clock was looked at.
  let unseen = 0;

  const kill = (why: string, by: EndedBy): never => {
    const killed = new Killed(why, by);
    if (current !== undefined) current.killed = killed;
    throw killed;
  };
  const charge = (instructions: number): void => {
    if (current === undefined) return;
    current.instructions += instructions;
    unseen += instructions;
    // A library function may be at it for long before the hook is called again.
    if (unseen >= HOOK) deps.beat();
    if (current.instructions > deps.instructions) {
      kill("the script used up its instructions (lua.backends[].limits.instructions)", "instructions");
    }
  };
  const allocates = (bytes: number): void => {
    if (current === undefined) return;
    current.bytes += bytes;
    if (current.bytes > deps.memory * 2) kill("the script allocated too much (lua.backends[].limits.memory)", "memory");
  };
  /** What a script keeps in small pieces is not counted one by one. */
  const checkHeap = (): void => {
    if (current === undefined || current.instructions < current.heapCheck) return;
    current.heapCheck = current.instructions + HEAP_CHECK;
    const { used_heap_size: used } = getHeapStatistics();
    current.leastHeap = Math.min(current.leastHeap, used);
    // What lies there since before may be garbage of another call.
    if (used > HEAP_LIMIT && used > current.leastHeap + HEAP_GROWTH)
      kill("the script used up the memory of its thread", "memory");
  };
  const mayYield = (L: LuaState): boolean => current !== undefined && !current.mustBlock && L.nny === 0;
  /** Looks at the clock: answers whether the call has run for its slice and may be suspended. Ends it when it has run for too long. */
  const isOver = (L: LuaState): boolean => {
    unseen = 0;
    if (current === undefined || !stopwatch.isOver(current)) return false;
    if (current.ran > deps.cpuTime) {
      kill(`the script ran for over ${deps.cpuTime} ms (lua.backends[].limits.cpu_time)`, "cpu_time");
    }
    return mayYield(L);
  };
  /** Runs `work` as `call`, and nobody's afterwards. */
  const as = <Value>(call: Running, work: () => Value): Value => {
    current = call;
    stopwatch.start();
    unseen = 0;
    deps.running(call.id);
    try {
      return work();
    } finally {
      stopwatch.stop(call);
      current = undefined;
      deps.running(0);
    }
  };

  return {
    current: () => current,
    charge,
    apart(work) {
      if (current === undefined) return work();
      stopwatch.stop(current);
      try {
        return work();
      } finally {
        stopwatch.start();
      }
    },
    kill,
    rethrow() {
      if (current?.killed !== undefined) throw current.killed;
    },
    mayYield,
    makesString(bytes) {
      if (bytes > STRING_LIMIT) kill("the script made a string of over 16 MB", "memory");
      allocates(bytes);
    },
    allocates,
    isOver: (L) => unseen >= HOOK && isOver(L),
    rest(L) {
      if (unseen >= HOOK) L.hookcount = 1;
    },
    hook:
      ({ lua }) =>
      (L) => {
        charge(HOOK);
        checkHeap();
        if (!isOver(L)) return;
        if (current !== undefined) current.pause = "slice";
        lua.lua_yield(L, 0);
      },
    start(work) {
      const call = newCall(0, undefined as unknown as LuaState, HEAP_CHECK);
      call.mustBlock = true;
      // Nobody waits beside it, and the pool ends a start that takes too long.
      call.ran = Number.NEGATIVE_INFINITY;
      try {
        return as(call, work);
      } catch (error) {
        throw call.killed ?? error;
      }
    },
    begin(id, co) {
      const call = newCall(id, co, HEAP_CHECK);
      calls.set(id, call);
      return call;
    },
    find: (id) => calls.get(id),
    forget: (call) => void calls.delete(call.id),
    resume: ({ lua }, call, args) =>
      as(call, () => {
        try {
          const status = lua.lua_resume(call.co, null, args);
          // An exception of JavaScript leaves the coroutine as it was, and anything at all on top of its stack.
          if (status === lua.LUA_ERRRUN && lua.lua_status(call.co) === lua.LUA_OK) {
            call.killed ??= new Killed("a library function failed", "error");
          }
          return status;
        } catch (error) {
          // What no Lua function raised comes out here when the coroutine had caught another error before.
          call.killed ??= new Killed(error instanceof Error ? error.message : "a library function failed", "error");
          return lua.LUA_ERRRUN;
        }
      }),
  };
}

/** Sets the hook on a state; every coroutine made in it inherits it. */
export function installHook(fengari: typeof import("fengari"), L: LuaState, control: Control): void {
  fengari.lua.lua_sethook(L, control.hook(fengari), fengari.lua.LUA_MASKCOUNT, HOOK);
}

/** What the host's own code throws becomes an error of the script, with its text; what ends the call passes. */
export function guarded({ lua, lauxlib, to_luastring }: typeof import("fengari"), fn: CFunction): CFunction {
  return (L) => {
    try {
      return fn(L);
    } catch (error) {
      if (!(error instanceof Error) || error instanceof Killed) throw error;
      lua.lua_settop(L, 0);
      return lauxlib.luaL_error(L, to_luastring("%s"), to_luastring(error.message));
    }
  };
}

/** The one function through which the prelude reaches the host: `host(op, …)` gives `value, err`. Yields where it can, else blocks. */
export function hostFunction(
  fengari: typeof import("fengari"),
  control: Control,
  deps: ControlDeps & { readonly values: Values },
): CFunction {
  const { lua } = fengari;
  const { values } = deps;
  const pushReply = (L: LuaState): number => {
    const call = control.current();
    const reply = call?.reply;
    if (call !== undefined) call.reply = undefined;
    values.push(L, reply?.value ?? null);
    values.push(L, reply?.error ?? null);
    return 2;
  };
  return guarded(fengari, (L) => {
    const call = control.current();
    if (call === undefined) throw new Error("a host function was used outside a call");
    call.hostCalls += 1;
    if (call.hostCalls > HOST_CALLS) control.kill(`the script made over ${HOST_CALLS} host calls`, "host_calls");
    const args = Array.from({ length: lua.lua_gettop(L) }, (_, index) => values.read(L, index + 1));
    deps.send(call.id, bytesOf(args[0]), args.slice(1));
    if (control.mayYield(L)) {
      call.pause = "host";
      return lua.lua_yieldk(L, 0, 0, pushReply);
    }
    call.reply = deps.block(call.id);
    return pushReply(L);
  });
}

/** The error text on top of a stack; an error that is no text has none. */
export function errorText({ lua, to_jsstring }: typeof import("fengari"), L: LuaState): string {
  if (lua.lua_gettop(L) === 0) return "the script failed without a message";
  const type = lua.lua_type(L, -1);
  if (type !== lua.LUA_TSTRING && type !== lua.LUA_TNUMBER) {
    return `the script failed with a ${to_jsstring(lua.lua_typename(L, type))} instead of a message`;
  }
  return Buffer.from(lua.lua_tostring(L, -1) ?? [])
    .toString("utf8")
    .slice(0, 2_000);
}
