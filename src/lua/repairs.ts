// Defects of fengari 0.1.5, repaired on its leaf modules before the package itself is loaded. Each has a test of its own.
import { createRequire, type LoadHookSync, registerHooks } from "node:module";
import { numberText } from "./number-text.ts";
import { latin1 } from "./values.ts";

interface TValue {
  value: number;
  ttisinteger(): boolean;
  setivalue(value: number): void;
  setfltvalue(value: number): void;
}

interface LuaString {
  hash: string | null;
  readonly realstring: Uint8Array;
}

/** Shorter strings cost nothing worth counting. */
const LONG = 10_000;
/** A longer text is no number. */
const LONGEST_NUMBER = 1_000;

const require = createRequire(import.meta.url);

/** Loads fengari with its defects repaired. Needs `FENGARICONF` in the environment of the thread (see the pool). */
export function loadFengari(limits: AllocationLimits): typeof import("fengari") {
  const hooks = registerHooks({ load: keepStacksFast });
  repairHash(limits);
  repairNumbers();
  countTables(limits);
  const fengari = require("fengari") as typeof import("fengari");
  hooks.deregister();
  limitBuffers(limits);
  return fengari;
}

const DELETED = /delete (L|from)\.stack\[([^\]]+)\];/g;

/**
 * Every call deleted the slots it left on the Lua stack, which makes the engine keep that array as a dictionary: a third of a
 * call's time. An empty slot does the same; the functions are private to their module, so its text is changed as it is loaded.
 */
const keepStacksFast: LoadHookSync = (url, context, nextLoad) => {
  const loaded = nextLoad(url, context);
  if (!/\/fengari\/src\/\w+\.js$/.test(url) || loaded.source === undefined || loaded.source === null) return loaded;
  const text =
    typeof loaded.source === "string" ? loaded.source : Buffer.from(loaded.source as Uint8Array).toString("utf8");
  return { ...loaded, source: text.replaceAll(DELETED, "$1.stack[$2] = void 0;") };
};

/** Told of every string before a script sees it, and of every buffer that grows; throws to end the call. */
export interface AllocationLimits {
  string(bytes: number): void;
  table(): void;
  /** Bytes of a long string that are read where no library function is called. */
  looked(bytes: number): void;
}

/** Tables live on the heap of the thread: unlimited, they would take it down with every call in it. */
function countTables(limits: AllocationLimits): void {
  const ltable = require("fengari/src/ltable.js") as { luaH_new: (L: unknown) => unknown };
  const make = ltable.luaH_new;
  ltable.luaH_new = (L) => {
    limits.table();
    return make(L);
  };
}

/** Library functions build their result in a buffer that doubled without any check. */
function limitBuffers(limits: AllocationLimits): void {
  const lauxlib = require("fengari/src/lauxlib.js") as { luaL_Buffer: { prototype: object } };
  const contents = new WeakMap<object, Uint8Array | null>();
  Object.defineProperty(lauxlib.luaL_Buffer.prototype, "b", {
    get(this: object) {
      return contents.get(this) ?? null;
    },
    set(this: object, bytes: Uint8Array | null) {
      if (bytes !== null && bytes.length > 1_048_576) limits.string(bytes.length);
      contents.set(this, bytes);
    },
  });
}

/**
 * The hash joined bytes as hexadecimal without padding, so that "\x06\x16\x02" was the same table key as "ab", and a user name
 * with control characters could be another one's. Latin-1 text is unambiguous and keeps the order `<` relies on.
 */
function repairHash(limits: AllocationLimits): void {
  const lstring = require("fengari/src/lstring.js") as Record<string, unknown>;
  const hash = (bytes: Uint8Array): string => `|${latin1(bytes)}`;
  lstring["luaS_hash"] = hash;
  lstring["luaS_hashlongstr"] = (string: LuaString) => {
    if (string.realstring.length > LONG) limits.looked(string.realstring.length);
    return (string.hash ??= hash(string.realstring));
  };
  const equal = lstring["luaS_eqlngstr"] as (a: LuaString, b: LuaString) => boolean;
  lstring["luaS_eqlngstr"] = (a: LuaString, b: LuaString) => {
    if (a.realstring.length > LONG) limits.looked(a.realstring.length);
    return equal(a, b);
  };
  const bless = lstring["luaS_bless"] as (L: unknown, bytes: Uint8Array) => unknown;
  lstring["luaS_bless"] = (L: unknown, bytes: Uint8Array) => {
    limits.string(bytes.length);
    return bless(L, bytes);
  };
  // Called with `new` in places, which needs a function of the old kind.
  lstring["luaS_new"] = function (L: unknown, bytes: Uint8Array) {
    limits.string(bytes.length);
    return bless(L, new Uint8Array(bytes));
  };
}

/** Integers had 32 bits and wrapped silently; scripts were written for Lua 5.1, where every number is a double. */
function repairNumbers(): void {
  const luaconf = require("fengari/src/luaconf.js") as Record<string, unknown>;
  luaconf["lua_number2str"] = numberText;
  // In this order: the modules depend on each other in a circle, and only `lapi` may enter it.
  const lapi = require("fengari/src/lapi.js") as Record<string, unknown>;
  lapi["lua_pushinteger"] = lapi["lua_pushnumber"];
  const toNumber = lapi["lua_tonumberx"] as (L: unknown, index: number) => number | false;
  // Fractions are cut, as a cast of C does; `false` is no number.
  lapi["lua_tointegerx"] = (L: unknown, index: number): number | false => {
    const value = toNumber(L, index);
    return value !== false && Math.abs(value) < 2 ** 63 ? Math.trunc(value) : false;
  };
  const lobject = require("fengari/src/lobject.js") as Record<string, unknown> & { TValue: { prototype: TValue } };
  const parse = lobject["luaO_str2num"] as (bytes: Uint8Array, into: TValue) => number;
  lobject["luaO_str2num"] = (bytes: Uint8Array, into: TValue): number => {
    if (bytes.length > LONGEST_NUMBER) return 0;
    const used = parse(bytes, into);
    const text = Buffer.from(bytes).toString("latin1").replace(/\0.*$/s, "").trim();
    const hex = /^([+-]?)(0x[0-9a-f]+)$/i.exec(text);
    if (used > 0 && hex?.[2] !== undefined) into.setfltvalue((hex[1] === "-" ? -1 : 1) * Number(hex[2]));
    return used;
  };
  lobject.TValue.prototype.setivalue = function (this: TValue, value: number): void {
    this.setfltvalue(value);
  };
}
