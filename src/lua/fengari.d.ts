// The part of fengari's C-like API this folder uses; the package ships no types.
declare module "fengari" {
  export interface LuaState {
    readonly l_G: unknown;
    nny: number;
    hookcount: number;
    readonly stack: (StackValue | undefined)[];
    readonly top: number;
  }
  /** A slot of a stack. */
  export interface StackValue {
    setfrom(other: StackValue): void;
  }
  type Continuation = (L: LuaState, status: number, ctx: number) => number;
  type CFunction = (L: LuaState) => number;
  export const to_luastring: (text: string, cache?: boolean) => Uint8Array;
  export const to_jsstring: (bytes: Uint8Array) => string;
  export const lua: {
    readonly LUA_OK: number;
    readonly LUA_YIELD: number;
    readonly LUA_ERRRUN: number;
    readonly LUA_MULTRET: number;
    readonly LUA_OPEQ: number;
    readonly LUA_OPLT: number;
    readonly LUA_MASKCOUNT: number;
    readonly LUA_TNIL: number;
    readonly LUA_TNUMBER: number;
    readonly LUA_TSTRING: number;
    readonly LUA_TBOOLEAN: number;
    readonly LUA_TTABLE: number;
    readonly LUA_TFUNCTION: number;
    readonly LUA_TTHREAD: number;
    lua_gettop(L: LuaState): number;
    lua_settop(L: LuaState, index: number): void;
    lua_pop(L: LuaState, n: number): void;
    lua_pushnil(L: LuaState): void;
    lua_pushboolean(L: LuaState, value: boolean | number): void;
    lua_pushnumber(L: LuaState, value: number): void;
    lua_pushinteger(L: LuaState, value: number): void;
    lua_pushstring(L: LuaState, value: Uint8Array | string): void;
    lua_pushcfunction(L: LuaState, fn: CFunction): void;
    lua_pushcclosure(L: LuaState, fn: CFunction, n: number): void;
    lua_pushvalue(L: LuaState, index: number): void;
    lua_insert(L: LuaState, index: number): void;
    lua_remove(L: LuaState, index: number): void;
    lua_replace(L: LuaState, index: number): void;
    lua_type(L: LuaState, index: number): number;
    lua_typename(L: LuaState, type: number): Uint8Array;
    lua_toboolean(L: LuaState, index: number): boolean;
    lua_tonumber(L: LuaState, index: number): number;
    lua_tostring(L: LuaState, index: number): Uint8Array | null;
    lua_tocfunction(L: LuaState, index: number): CFunction | null;
    lua_tothread(L: LuaState, index: number): LuaState | null;
    lua_topointer(L: LuaState, index: number): object | null;
    lua_createtable(L: LuaState, narr: number, nrec: number): void;
    lua_newtable(L: LuaState): void;
    lua_getfield(L: LuaState, index: number, key: Uint8Array): number;
    lua_setfield(L: LuaState, index: number, key: Uint8Array): void;
    lua_gettable(L: LuaState, index: number): number;
    lua_geti(L: LuaState, index: number, n: number): number;
    lua_seti(L: LuaState, index: number, n: number): void;
    lua_compare(L: LuaState, index1: number, index2: number, op: number): number | boolean;
    lua_rawget(L: LuaState, index: number): number;
    lua_rawset(L: LuaState, index: number): void;
    lua_rawgeti(L: LuaState, index: number, n: number): number;
    lua_rawseti(L: LuaState, index: number, n: number): void;
    lua_rawlen(L: LuaState, index: number): number;
    lua_next(L: LuaState, index: number): boolean;
    lua_getglobal(L: LuaState, name: Uint8Array): number;
    lua_setglobal(L: LuaState, name: Uint8Array): void;
    lua_pushglobaltable(L: LuaState): void;
    lua_getmetatable(L: LuaState, index: number): boolean;
    lua_setmetatable(L: LuaState, index: number): void;
    lua_setupvalue(L: LuaState, index: number, n: number): Uint8Array | null;
    lua_upvalueindex(n: number): number;
    lua_newthread(L: LuaState): LuaState;
    lua_xmove(from: LuaState, to: LuaState, n: number): void;
    lua_pushthread(L: LuaState): boolean;
    lua_resume(L: LuaState, from: LuaState | null, nargs: number): number;
    lua_status(L: LuaState): number;
    lua_isyieldable(L: LuaState): boolean;
    lua_yieldk(L: LuaState, nresults: number, ctx: number, k: Continuation | null): number;
    lua_yield(L: LuaState, nresults: number): number;
    lua_callk(L: LuaState, nargs: number, nresults: number, ctx: number, k: Continuation | null): void;
    lua_call(L: LuaState, nargs: number, nresults: number): void;
    lua_pcallk(
      L: LuaState,
      nargs: number,
      nresults: number,
      errfunc: number,
      ctx: number,
      k: Continuation | null,
    ): number;
    lua_pcall(L: LuaState, nargs: number, nresults: number, errfunc: number): number;
    lua_error(L: LuaState): number;
    lua_concat(L: LuaState, n: number): void;
    lua_rotate(L: LuaState, index: number, n: number): void;
    lua_checkstack(L: LuaState, n: number): boolean;
    lua_sethook(L: LuaState, hook: ((L: LuaState, ar: unknown) => void) | null, mask: number, count: number): void;
    lua_toproxy(L: LuaState, index: number): (L: LuaState) => void;
    lua_absindex(L: LuaState, index: number): number;
  };
  export const lauxlib: {
    luaL_newstate(): LuaState;
    luaL_loadbufferx(L: LuaState, code: Uint8Array, size: number, name: Uint8Array, mode: Uint8Array): number;
    luaL_requiref(L: LuaState, name: Uint8Array, open: CFunction, glb: number): void;
    luaL_where(L: LuaState, level: number): void;
    luaL_error(L: LuaState, format: Uint8Array, ...args: readonly Uint8Array[]): never;
    luaL_argerror(L: LuaState, arg: number, message: Uint8Array): never;
    luaL_checkinteger(L: LuaState, arg: number): number;
    luaL_optinteger(L: LuaState, arg: number, fallback: number): number;
    luaL_checkstack(L: LuaState, n: number, message: Uint8Array): void;
    luaL_getmetafield(L: LuaState, index: number, name: Uint8Array): number;
    luaL_len(L: LuaState, index: number): number;
    luaL_checkstring(L: LuaState, arg: number): Uint8Array;
    luaL_checktype(L: LuaState, arg: number, type: number): void;
    luaL_checkany(L: LuaState, arg: number): void;
    luaL_tolstring(L: LuaState, index: number): Uint8Array;
    luaL_checknumber(L: LuaState, arg: number): number;
    luaL_optnumber(L: LuaState, arg: number, fallback: number): number;
    luaL_traceback(L: LuaState, from: LuaState, message: Uint8Array | null, level: number): void;
  };
  export const lualib: Readonly<
    Record<
      | "luaopen_base"
      | "luaopen_string"
      | "luaopen_table"
      | "luaopen_math"
      | "luaopen_coroutine"
      | "luaopen_utf8"
      | "luaopen_debug",
      CFunction
    >
  >;
}
