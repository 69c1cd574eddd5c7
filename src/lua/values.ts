import type { LuaState } from "fengari";

/**
 * A value on its way between Lua and the host. Lua strings are byte strings: each character of a `string` here is one byte
 * (Latin-1), so that nothing is lost in either direction.
 */
export type LuaValue = null | boolean | number | string | readonly LuaValue[] | { readonly [key: string]: LuaValue };

type Fengari = typeof import("fengari");

/** Text as Lua's bytes. */
export function toBytes(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, "utf8").toString("latin1");
}

/** Lua's bytes as text; what is not UTF-8 becomes U+FFFD. */
export function fromBytes(bytes: string): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, "latin1").toString("utf8");
}

/** ASCII is the same in both: most texts cross without a copy. */
function isAscii(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 127) return false;
  return true;
}

/** A value where bytes are expected: text as it is, numbers and booleans as Lua prints them, everything else nothing. */
export function bytesOf(value: LuaValue | undefined): string {
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? String(value) : "";
}

const MAX_NODES = 20_000;
const MAX_BYTES = 16 * 1024 * 1024;
/** Instructions a value counts for that goes over, and the bytes of a text that do so in the time of one. */
const NODE = 10;
const BYTES_PER_INSTRUCTION = 5;
const MAX_DEPTH = 20;
const MAX_KEYS = 500;

/** Bytes as Latin-1 text; short ones without the way through a Buffer. */
export function latin1(bytes: Uint8Array): string {
  if (bytes.length < 64) return String.fromCharCode.apply(undefined, bytes as unknown as number[]);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
}

/** Moves values between a Lua stack and JavaScript, with limits on what a script may hand over. */
export interface Values {
  push(L: LuaState, value: LuaValue): void;
  /** @throws Error for functions, cycles deeper than 20 levels, more than 20 000 nodes and more than 16 MB of text. */
  read(L: LuaState, index: number): LuaValue;
}

/** What is still left of the limits while a value is read. */
interface Budget {
  nodes: number;
  bytes: number;
}

/** `charge` is told of the instructions a value counts for. */
export function createValues({ lua }: Fengari, charge: (instructions: number) => void): Values {
  const luaBytes = (text: string): Uint8Array => {
    const bytes = new Uint8Array(text.length);
    for (let index = 0; index < text.length; index += 1) bytes[index] = text.charCodeAt(index);
    return bytes;
  };
  const textOf = (bytes: Uint8Array | null): string => (bytes === null ? "" : latin1(bytes));
  // A key that was a string of this state before has its hash already: the field names of requests are always the same.
  const keys = new Map<string, (L: LuaState) => void>();
  const pushKey = (L: LuaState, key: string): void => {
    const known = keys.get(key);
    if (known !== undefined) return known(L);
    lua.lua_pushstring(L, luaBytes(key));
    if (keys.size < MAX_KEYS) keys.set(key, lua.lua_toproxy(L, -1));
  };

  const push = (L: LuaState, value: LuaValue): void => {
    if (value === null) lua.lua_pushnil(L);
    else if (typeof value === "boolean") lua.lua_pushboolean(L, value);
    else if (typeof value === "number") lua.lua_pushnumber(L, value);
    else if (typeof value === "string") lua.lua_pushstring(L, luaBytes(value));
    else pushTable(L, value);
  };
  const pushTable = (L: LuaState, value: readonly LuaValue[] | { readonly [key: string]: LuaValue }): void => {
    lua.lua_checkstack(L, 3);
    lua.lua_newtable(L);
    if (Array.isArray(value)) {
      value.forEach((item: LuaValue, index) => {
        push(L, item);
        lua.lua_rawseti(L, -2, index + 1);
      });
      return;
    }
    for (const [key, item] of Object.entries(value)) {
      pushKey(L, key);
      push(L, item);
      lua.lua_rawset(L, -3);
    }
  };

  const read = (L: LuaState, index: number, depth: number, budget: Budget): LuaValue => {
    budget.nodes -= 1;
    if (budget.nodes < 0) throw new Error("a value has too many parts");
    switch (lua.lua_type(L, index)) {
      case lua.LUA_TNIL:
        return null;
      case lua.LUA_TBOOLEAN:
        return lua.lua_toboolean(L, index);
      case lua.LUA_TNUMBER:
        return lua.lua_tonumber(L, index);
      case lua.LUA_TSTRING:
        return readText(L, index, budget);
      case lua.LUA_TTABLE:
        return readTable(L, lua.lua_absindex(L, index), depth, budget);
      default:
        throw new Error("a value is a function, thread or userdata, which cannot be handed over");
    }
  };
  const readTable = (L: LuaState, index: number, depth: number, budget: Budget): LuaValue => {
    if (depth >= MAX_DEPTH) throw new Error("a table is nested too deep, or contains itself");
    lua.lua_checkstack(L, 4);
    const length = lua.lua_rawlen(L, index);
    const list: LuaValue[] = [];
    const record: Record<string, LuaValue> = Object.create(null) as Record<string, LuaValue>;
    let isRecord = false;
    lua.lua_pushnil(L);
    while (lua.lua_next(L, index)) {
      const key = lua.lua_type(L, -2) === lua.LUA_TNUMBER ? lua.lua_tonumber(L, -2) : textKey(L, budget);
      const value = read(L, -1, depth + 1, budget);
      if (typeof key === "number" && Number.isInteger(key) && key >= 1 && key <= length) list[key - 1] = value;
      else {
        isRecord = true;
        record[String(key)] = value;
      }
      lua.lua_pop(L, 1);
    }
    if (!isRecord) return Array.from(list, (item) => item ?? null);
    list.forEach((item, position) => {
      record[String(position + 1)] = item;
    });
    return record;
  };
  const textKey = (L: LuaState, budget: Budget): string => {
    if (lua.lua_type(L, -2) !== lua.LUA_TSTRING) throw new Error("a table has a key that is neither text nor number");
    return readText(L, -2, budget);
  };
  const readText = (L: LuaState, index: number, budget: Budget): string => {
    budget.bytes -= lua.lua_rawlen(L, index);
    if (budget.bytes < 0) throw new Error("a value has over 16 MB of text");
    return textOf(lua.lua_tostring(L, index));
  };

  return {
    push,
    read(L, index) {
      const budget = { nodes: MAX_NODES, bytes: MAX_BYTES };
      const value = read(L, index, 0, budget);
      charge((MAX_NODES - budget.nodes) * NODE + (MAX_BYTES - budget.bytes) / BYTES_PER_INSTRUCTION);
      return value;
    },
  };
}
