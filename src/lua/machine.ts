import type { LuaState } from "fengari";
import type { FunctionName, RequestFields } from "../backend/index.ts";
import type { Running } from "./call.ts";
import { errorText } from "./control.ts";
import type { Failure, RawResult } from "./messages.ts";
import { loadProgram, type ProgramDeps } from "./program.ts";
import { type LuaValue, toBytes } from "./values.ts";

export interface MachineDeps extends ProgramDeps {
  readonly done: (call: number, outcome: RawResult | Failure) => void;
}

/** One Lua state with a script in it: a coroutine and a fresh environment per call, many in flight. */
export interface Machine {
  readonly functions: readonly FunctionName[];
  call(id: number, fn: FunctionName, fields: RequestFields): void;
  /** Goes on with a call whose host operation was answered. */
  reply(id: number, value: LuaValue, error: string | null): void;
  /** Forgets a call; what it still waits for finds nobody. */
  cancel(id: number): void;
}

/** @throws Error with file and line when the script does not compile or its top level fails. */
export function createMachine(deps: MachineDeps): Machine {
  const { fengari, state, values, control, functions, pushEntry } = loadProgram(deps);
  const { lua } = fengari;

  const finish = (call: Running, outcome: RawResult | Failure): void => {
    control.forget(call);
    deps.done(call.id, outcome);
  };
  const step = (call: Running, args: number): void => {
    const status = control.resume(fengari, call, args);
    if (call.killed !== undefined) return finish(call, call.killed.failure);
    if (status === lua.LUA_YIELD && call.pause === "host") return;
    if (status === lua.LUA_YIELD && call.pause === "slice") {
      call.pause = undefined;
      setImmediate(() => {
        if (control.find(call.id) === call) step(call, 0);
      });
      return;
    }
    if (status === lua.LUA_OK) return finish(call, readResult(call));
    const isYield = status === lua.LUA_YIELD;
    const reason = isYield ? "the script yielded outside a coroutine" : errorText(fengari, call.co);
    finish(call, { by: "error", reason });
  };

  const readResult = (call: Running): RawResult | Failure => {
    try {
      return resultOf(call);
    } catch (error) {
      return { by: "error", reason: error instanceof Error ? error.message : "the result cannot be read" };
    }
  };
  /** The prelude's `run` returns: found, code, kind of the second value, second value. */
  const resultOf = (call: Running): RawResult => {
    const { co, statusMessage = null, logged, instructions } = call;
    const at = (index: number): LuaValue => (lua.lua_gettop(co) < index ? null : values.read(co, index));
    const kind = at(3);
    const isData = kind === "result" || kind === "table" || kind === "string";
    return {
      found: at(1) === true,
      code: codeAt(co, 2),
      kind: typeof kind === "string" ? kind : "nil",
      value: isData ? at(4) : null,
      statusMessage,
      logged,
      instructions,
    };
  };
  const codeAt = (co: LuaState, index: number): LuaValue => {
    if (lua.lua_gettop(co) < index) return null;
    return lua.lua_type(co, index) === lua.LUA_TTABLE ? "table" : values.read(co, index);
  };

  return {
    functions,
    call(id, fn, fields) {
      const co = lua.lua_newthread(state);
      lua.lua_pop(state, 1);
      const call = control.begin(id, co);
      pushEntry(co);
      values.push(co, toBytes(fn));
      values.push(co, fields);
      step(call, 3);
    },
    reply(id, value, error) {
      const call = control.find(id);
      if (call?.pause !== "host") return;
      call.pause = undefined;
      call.reply = { value, error };
      step(call, 0);
    },
    cancel(id) {
      const call = control.find(id);
      if (call !== undefined) control.forget(call);
    },
  };
}
