import type { LuaState } from "fengari";
import type { CFunction, Now } from "./call.ts";
import { latin1 } from "./values.ts";

type Fengari = typeof import("fengari");

/** `tostring`, whose `__tostring` may wait for the host. */
export function baseFunctions(
  { lua, lauxlib, to_luastring }: Fengari,
  now: Now,
): Readonly<Record<"tostring", CFunction>> {
  const [TOSTRING, NO_STRING] = [to_luastring("__tostring"), to_luastring("'__tostring' must return a string")];
  const finish = (L: LuaState): number => {
    const type = lua.lua_type(L, -1);
    if (type !== lua.LUA_TSTRING && type !== lua.LUA_TNUMBER) lauxlib.luaL_error(L, NO_STRING);
    now.rest(L);
    return 1;
  };
  return {
    tostring(L) {
      lauxlib.luaL_checkany(L, 1);
      // Only tables have metatables that a script can set.
      if (lua.lua_type(L, 1) === lua.LUA_TTABLE && lauxlib.luaL_getmetafield(L, 1, TOSTRING) !== lua.LUA_TNIL) {
        lua.lua_pushvalue(L, 1);
        lua.lua_callk(L, 1, 1, 0, finish);
        return finish(L);
      }
      lauxlib.luaL_tolstring(L, 1);
      return 1;
    },
  };
}

/** `tonumber` whose bases go beyond 2^31. */
export function tonumberFunction({ lua, lauxlib, to_luastring }: Fengari, stock: CFunction): CFunction {
  const OUT_OF_RANGE = to_luastring("base out of range");
  return (L) => {
    const base = lua.lua_type(L, 2) <= 0 ? 10 : lauxlib.luaL_checkinteger(L, 2);
    if (base === 10) {
      lua.lua_settop(L, Math.min(lua.lua_gettop(L), 1));
      return stock(L);
    }
    if (base < 2 || base > 36) return lauxlib.luaL_argerror(L, 2, OUT_OF_RANGE);
    const [, sign = "", digits = ""] = /^\s*(-?)([0-9a-z]+)\s*$/i.exec(latin1(lauxlib.luaL_checkstring(L, 1))) ?? [];
    const values = digits.split("").map((digit) => Number.parseInt(digit, 36));
    if (digits === "" || values.some((value) => value >= base)) lua.lua_pushnil(L);
    else lua.lua_pushnumber(L, (sign === "-" ? -1 : 1) * values.reduce((sum, value) => sum * base + value, 0));
    return 1;
  };
}

/** Instructions a call with the arguments on the stack counts for. */
type Price = (L: LuaState) => number;

const QUOTED = 0x71;
/** Arguments and results up to this number come with the call. */
const FEW = 20;
const VALUE = 3;

/** Library functions that are left as they are, and take long for long texts: what their arguments cost. */
export function prices({ lua }: Fengari): Readonly<Record<string, Readonly<Record<string, Price>>>> {
  const bytes = (L: LuaState, index: number): number =>
    lua.lua_type(L, index) === lua.LUA_TSTRING ? lua.lua_rawlen(L, index) : 0;
  const perByte =
    (instructions: number): Price =>
    (L) =>
      instructions * bytes(L, 1);
  const format: Price = (L) => {
    let others = 0;
    for (let index = lua.lua_gettop(L); index > 1; index -= 1) others += bytes(L, index);
    // A `q` in the format: the others may be looked at byte by byte.
    const isSlow = others > 1_000 && lua.lua_tostring(L, 1)?.includes(QUOTED) === true;
    return 5 * bytes(L, 1) + (isSlow ? 5 : 0.1) * others;
  };
  return {
    _G: { load: perByte(10), tonumber: perByte(2) },
    string: {
      format,
      lower: perByte(0.4),
      pack: perByte(20),
      packsize: perByte(10),
      reverse: perByte(0.2),
      unpack: perByte(20),
      upper: perByte(0.2),
    },
    utf8: {
      codepoint: perByte(0.3),
      len: perByte(0.3),
      offset: perByte(0.3),
    },
  };
}

/** Library functions that are left as they are, and have many arguments or results in one call. */
export const WIDE: readonly (readonly [library: string, name: string])[] = [
  ["string", "byte"],
  ["string", "char"],
  ["utf8", "char"],
  ["utf8", "codepoint"],
];

/** The function, charged before it runs for what its arguments cost. */
export function priced(now: Now, fn: CFunction, price: Price): CFunction {
  return (L) => {
    now.charge(price(L));
    const results = fn(L);
    // Parsing catches everything, the end of the call as well.
    now.rethrow();
    now.rest(L);
    return results;
  };
}

/** The function, charged for its arguments and results when they are many. */
export function wide({ lua }: Fengari, now: Now, fn: CFunction): CFunction {
  return (L) => {
    const args = lua.lua_gettop(L);
    const results = fn(L);
    if (args + results > FEW) now.charge((args + results) * VALUE);
    return results;
  };
}
