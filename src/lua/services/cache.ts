import type { Clock } from "../../kernel/index.ts";
import type { LuaValue } from "../values.ts";
import { textOf } from "./text.ts";

const ENTRIES = 10_000;
/** Values one key may collect before someone pops them; the oldest go first. */
const LIST = 10_000;

interface Entry {
  readonly value: LuaValue;
  /** Monotonic milliseconds. */
  readonly until: number;
}

/** `nauthilus_cache`: one cache for the whole process. Values are copied on their way in and out by crossing threads. */
export function createCache(clock: Clock): (operation: string, args: readonly LuaValue[]) => LuaValue {
  const entries = new Map<string, Entry>();
  const get = (key: string): LuaValue => {
    const entry = entries.get(key);
    if (entry === undefined) return null;
    if (entry.until > clock.monotonic()) return entry.value;
    entries.delete(key);
    return null;
  };
  const set = (key: string, value: LuaValue, ttl: number): void => {
    if (entries.size >= ENTRIES && !entries.has(key)) entries.delete(entries.keys().next().value ?? "");
    entries.set(key, { value, until: ttl > 0 ? clock.monotonic() + ttl * 1000 : Number.POSITIVE_INFINITY });
  };
  const list = (key: string): readonly LuaValue[] => {
    const value = get(key);
    return Array.isArray(value) ? (value as readonly LuaValue[]) : [];
  };
  const operations: Readonly<Record<string, (key: string, value: LuaValue, ttl: LuaValue) => LuaValue>> = {
    set: (key, value, ttl) => {
      set(key, value, Number(ttl ?? 0));
      return "OK";
    },
    get,
    exists: (key) => get(key) !== null,
    delete: (key) => entries.delete(key),
    keys: () => [...entries.keys()].filter((key) => get(key) !== null),
    size: () => [...entries.keys()].filter((key) => get(key) !== null).length,
    flush: () => {
      entries.clear();
      return null;
    },
    push: (key, value) => {
      const grown = [...list(key), value].slice(-LIST);
      set(key, grown, 0);
      return grown.length;
    },
    pop_all: (key) => {
      const all = list(key);
      entries.delete(key);
      return all;
    },
  };
  return (operation, [key = "", value = null, ttl = null]) => {
    const name = typeof key === "number" ? String(key) : textOf(key, "the key");
    return operations[operation]?.(name, value, ttl) ?? null;
  };
}
