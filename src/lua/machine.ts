import { readFileSync } from "node:fs";
import type { LuaState } from "fengari";
import { BACKEND_FUNCTIONS, type FunctionName, REQUEST_DEFAULTS, type RequestFields } from "../backend/index.ts";
import { type Control, createControl, type Running } from "./control.ts";
import { type HelperDeps, helperFunctions } from "./helpers.ts";
import type { RawResult } from "./messages.ts";
import { loadFengari } from "./repairs.ts";
import { createValues, type LuaValue, toBytes } from "./values.ts";

export interface MachineDeps extends HelperDeps {
  readonly script: string;
  readonly instructions: number;
  readonly memory: number;
  /** Sends a host operation; its reply comes through {@link Machine.reply}, or from `block` where Lua cannot yield. */
  readonly send: (call: number, op: string, args: readonly LuaValue[]) => void;
  readonly block: (call: number) => { readonly value: LuaValue; readonly error: string | null };
  readonly beat: () => void;
  readonly running: (call: number) => void;
  readonly done: (call: number, outcome: RawResult | { readonly error: string }) => void;
}

/** What an empty table takes on the heap, roughly. */
const TABLE_BYTES = 600;

/** One Lua state with a script in it: a coroutine and a fresh environment per call, many in flight. */
export interface Machine {
  readonly functions: readonly FunctionName[];
  call(id: number, fn: FunctionName, fields: RequestFields): void;
  reply(id: number, value: LuaValue, error: string | null): void;
  cancel(id: number): void;
}

/** @throws Error with file and line when the script does not compile or its top level fails. */
export function createMachine(deps: MachineDeps): Machine {
  const control: Control = createControl(deps);
  const fengari = loadFengari({
    string: (bytes) => control.allocated(bytes),
    table: () => control.allocated(TABLE_BYTES),
  });
  const { lua, lauxlib, to_luastring } = fengari;
  const values = createValues(fengari);
  const L = lauxlib.luaL_newstate();
  control.attach(fengari, L, values);
  openLibraries(fengari, L, control);

  const load = (source: string, name: string): void => {
    const bytes = Uint8Array.from(Buffer.from(source, "latin1"));
    const status = lauxlib.luaL_loadbufferx(L, bytes, bytes.length, to_luastring(name), to_luastring("t"));
    if (status !== lua.LUA_OK) throw new Error(control.textAt(L, -1));
  };
  const protectedCall = (args: number, results: number): void => {
    if (lua.lua_pcall(L, args, results, 0) !== lua.LUA_OK) throw new Error(control.textAt(L, -1));
  };
  const keep = (): ((L: LuaState) => void) => {
    const proxy = lua.lua_toproxy(L, -1);
    lua.lua_pop(L, 1);
    return proxy;
  };

  load(readFileSync(new URL("./prelude.lua", import.meta.url), "latin1"), "=moonlatch");
  lua.lua_pushcfunction(L, control.hostFunction);
  pushHelpers(fengari, L, { ...deps, values, control });
  values.push(L, Object.fromEntries(Object.entries(REQUEST_DEFAULTS).filter(([, value]) => !Array.isArray(value))));
  values.push(
    L,
    Object.keys(REQUEST_DEFAULTS).filter((name) => Array.isArray(REQUEST_DEFAULTS[name])),
  );
  protectedCall(4, 2);
  const probe = keep();
  const run = keep();

  load(`local _ENV=...;${readFileSync(deps.script, "latin1")}`, `@${deps.script}`);
  const chunk = keep();
  const functions = control.start(() => {
    probe(L);
    chunk(L);
    values.push(L, Object.keys(BACKEND_FUNCTIONS));
    protectedCall(2, 1);
    const found = values.read(L, -1);
    lua.lua_pop(L, 1);
    return (Array.isArray(found) ? found : []) as FunctionName[];
  });

  const finish = (call: Running, outcome: RawResult | { readonly error: string }): void => {
    control.forget(call);
    deps.done(call.id, outcome);
  };
  const step = (call: Running, args: number): void => {
    const status = control.resume(call, args);
    if (call.killed !== undefined) return finish(call, { error: call.killed.message });
    if (status === lua.LUA_YIELD && call.pause === "host") return;
    if (status === lua.LUA_YIELD && call.pause === "slice") {
      call.pause = undefined;
      setImmediate(() => step(call, 0));
      return;
    }
    if (status !== lua.LUA_OK)
      return finish(call, {
        error: status === lua.LUA_YIELD ? "the script yielded outside a coroutine" : control.textAt(call.co, -1),
      });
    try {
      finish(call, resultOf(call));
    } catch (error) {
      finish(call, { error: error instanceof Error ? error.message : "the result cannot be read" });
    }
  };
  const resultOf = (call: Running): RawResult => {
    const { co } = call;
    const at = (index: number): LuaValue => (lua.lua_gettop(co) < index ? null : values.read(co, index));
    const kind = at(3);
    const isData = kind === "result" || kind === "table" || kind === "string";
    return {
      found: at(1) === true,
      code: lua.lua_gettop(co) < 2 ? null : codeAt(co, 2),
      kind: typeof kind === "string" ? kind : "nil",
      value: isData ? at(4) : null,
      statusMessage: call.statusMessage ?? null,
      logged: call.logged,
      instructions: call.instructions,
    };
  };
  const codeAt = (co: LuaState, index: number): LuaValue =>
    lua.lua_type(co, index) === lua.LUA_TTABLE ? "table" : values.read(co, index);

  return {
    functions,
    call(id, fn, fields) {
      const co = lua.lua_newthread(L);
      lua.lua_pop(L, 1);
      const call = control.begin(id, co);
      run(co);
      chunk(co);
      values.push(co, toBytes(fn));
      values.push(co, fields);
      step(call, 3);
    },
    reply(id, value, error) {
      const call = control.find(id);
      if (call === undefined || call.pause !== "host") return;
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

function openLibraries(
  { lua, lauxlib, lualib, to_luastring }: typeof import("fengari"),
  L: LuaState,
  control: Control,
): void {
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
  for (const [name, fn] of Object.entries(control.globals)) {
    lua.lua_pushcfunction(L, fn);
    lua.lua_setglobal(L, to_luastring(name));
  }
  lua.lua_getglobal(L, to_luastring("coroutine"));
  for (const [name, fn] of Object.entries(control.coroutines)) {
    lua.lua_pushcfunction(L, fn);
    lua.lua_setfield(L, -2, to_luastring(name));
  }
  lua.lua_pop(L, 1);
  // The metatable of all strings is reachable from any of them, and would be shared between calls.
  lua.lua_pushstring(L, to_luastring(""));
  lua.lua_getmetatable(L, -1);
  lua.lua_pushstring(L, to_luastring("string"));
  lua.lua_setfield(L, -2, to_luastring("__metatable"));
  lua.lua_settop(L, 0);
}

function pushHelpers(
  { lua, lauxlib, to_luastring }: typeof import("fengari"),
  L: LuaState,
  deps: HelperDeps & { values: ReturnType<typeof createValues>; control: Control },
): void {
  lua.lua_newtable(L);
  for (const [name, helper] of Object.entries(helperFunctions(deps, () => deps.control.current()))) {
    lua.lua_pushcfunction(L, (state) => {
      const args = Array.from({ length: lua.lua_gettop(state) }, (_, index) => deps.values.read(state, index + 1));
      const results = helper(...args);
      for (const result of results) deps.values.push(state, result);
      return results.length;
    });
    lua.lua_setfield(L, -2, to_luastring(name));
  }
  lua.lua_pushcfunction(L, (state) => {
    lua.lua_settop(state, 2);
    if (!lua.lua_getmetatable(state, 1)) lua.lua_pushnil(state);
    else {
      lua.lua_pushvalue(state, 2);
      lua.lua_rawget(state, -2);
    }
    return 1;
  });
  lua.lua_setfield(L, -2, to_luastring("metafield"));
  void lauxlib;
}
