import type { CFunction } from "./call.ts";
import { formatNumber } from "./number-text.ts";
import { latin1 } from "./values.ts";

const CONVERSION = /%([-+ #0]{0,5})(\d{0,2})(?:\.(\d{0,2}))?([A-Za-z%])/g;
const NUMBERS = "diuoxXeEfgG";

/**
 * `string.format` whose numbers are C's: doubles beyond 2^31, fractions cut by `%d`, `%u`, exponents of two digits. They are written
 * here and handed to the library's own function as text, which does everything else.
 */
export function formatFunction({ lua, lauxlib, to_luastring }: typeof import("fengari"), stock: CFunction): CFunction {
  return (L) => {
    const source = latin1(lauxlib.luaL_checkstring(L, 1));
    let argument = 1;
    const rewritten = source.replaceAll(CONVERSION, (whole: string, ...parts: readonly (string | undefined)[]) => {
      const [flags = "", width = "", precision, letter = ""] = parts;
      if (letter === "%") return whole;
      argument += 1;
      if (!NUMBERS.includes(letter)) return whole;
      const value = lauxlib.luaL_checknumber(L, argument);
      const text = formatNumber(value, {
        letter,
        flags,
        width: Number(width),
        precision: precision === undefined ? undefined : Number(precision),
      });
      lua.lua_pushstring(L, to_luastring(text));
      lua.lua_replace(L, argument);
      return "%s";
    });
    if (rewritten !== source) {
      lua.lua_pushstring(L, Uint8Array.from(Buffer.from(rewritten, "latin1")));
      lua.lua_replace(L, 1);
    }
    return stock(L);
  };
}
