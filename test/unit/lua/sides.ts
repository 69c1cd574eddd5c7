// Two Lua states side by side: one with our libraries, one with those of the package.
import assert from "node:assert/strict";
import { type LoadHookSync, registerHooks } from "node:module";
import { createControl } from "../../../src/lua/control.ts";
import { openLibraries } from "../../../src/lua/libraries.ts";
import { loadFengari } from "../../../src/lua/repairs.ts";

/** Where the package does otherwise than Lua itself. */
const DEFECTS: readonly (readonly [wrong: string, right: string])[] = [
  // A match that ends where the subject begins was none.
  ["if (res) return res;", "if (res !== null) return res;"],
  // The text of a position was compared with the subject.
  ["let len = ms.capture[l].len;", "let len = ms.capture[l].len; if (len === CAP_POSITION) return null;"],
];

const mend: LoadHookSync = (url, context, nextLoad) => {
  const loaded = nextLoad(url, context);
  if (!url.endsWith("/fengari/src/lstrlib.js")) return loaded;
  let source = Buffer.from(loaded.source as Uint8Array).toString("utf8");
  for (const [wrong, right] of DEFECTS) {
    assert.equal(source.split(wrong).length, 2, `fengari has no ${wrong}`);
    source = source.replace(wrong, right);
  }
  return { ...loaded, source };
};

// As the pool sets it for its threads.
process.env["FENGARICONF"] = '{"LUA_COMPAT_FLOATSTRING":true,"LUAI_MAXSTACK":20000}';
const hooks = registerHooks({ load: mend });
const fengari = loadFengari({ string() {}, table() {}, looked() {} });
hooks.deregister();
const { lua, lauxlib, lualib, to_luastring } = fengari;

/** Runs a chunk: everything it returns, strings as Latin-1; or "error" and its message. */
export type Side = (chunk: string, ...args: readonly (string | number)[]) => readonly unknown[];

function side(state: ReturnType<typeof lauxlib.luaL_newstate>): Side {
  const chunks = new Map<string, (L: typeof state) => void>();
  const push = (chunk: string): void => {
    const known = chunks.get(chunk);
    if (known !== undefined) return known(state);
    const code = to_luastring(chunk);
    const status = lauxlib.luaL_loadbufferx(state, code, code.length, to_luastring("=chunk"), to_luastring("t"));
    assert.equal(status, lua.LUA_OK, chunk);
    chunks.set(chunk, lua.lua_toproxy(state, -1));
  };
  const read = (index: number): unknown => {
    const type = lua.lua_type(state, index);
    if (type === lua.LUA_TNUMBER) return lua.lua_tonumber(state, index);
    if (type === lua.LUA_TBOOLEAN) return lua.lua_toboolean(state, index);
    if (type === lua.LUA_TNIL) return null;
    return Buffer.from(lua.lua_tostring(state, index) ?? []).toString("latin1");
  };
  return (chunk, ...args) => {
    lua.lua_settop(state, 0);
    push(chunk);
    for (const arg of args) {
      if (typeof arg === "number") lua.lua_pushnumber(state, arg);
      else lua.lua_pushstring(state, Uint8Array.from(Buffer.from(arg, "latin1")));
    }
    const status = lua.lua_pcall(state, args.length, lua.LUA_MULTRET, 0);
    const results = Array.from({ length: lua.lua_gettop(state) }, (_, index) => read(index + 1));
    return status === lua.LUA_OK ? results : ["error", ...results];
  };
}

function stockState() {
  const state = lauxlib.luaL_newstate();
  const libraries = { _G: lualib.luaopen_base, string: lualib.luaopen_string, table: lualib.luaopen_table };
  for (const [name, open] of Object.entries(libraries)) lauxlib.luaL_requiref(state, to_luastring(name), open, 1);
  return state;
}

function ownState() {
  const state = lauxlib.luaL_newstate();
  const control = createControl({
    instructions: 1,
    memory: 1,
    cpuTime: 1,
    send() {},
    block: () => ({ value: null, error: null }),
    beat() {},
    running() {},
  });
  openLibraries(fengari, state, control);
  return state;
}

export const own = side(ownState());
export const stock = side(stockState());
