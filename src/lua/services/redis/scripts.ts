import { createHash } from "node:crypto";
import { bytesOf, type LuaValue } from "../../values.ts";
import { argumentsOf } from "./values.ts";

/** A script on its way to Redis. */
export interface RedisScript {
  readonly source: string;
  readonly sha: string;
  readonly keys: readonly string[];
  readonly args: readonly string[];
}

const NAMES = 200;

/** The sources of uploaded scripts by the names that scripts gave them, for each pool its own. Kept here, they outlive a restart of Redis. */
export interface RedisScripts {
  keep(pool: object, name: string, source: string): void;
  /** @throws Error when the name is not known and there is no source. */
  find(pool: object, values: readonly LuaValue[]): RedisScript;
}

export function createRedisScripts(): RedisScripts {
  const kept = new WeakMap<object, Map<string, string>>();
  return {
    keep(pool, name, source) {
      const names = kept.get(pool) ?? new Map<string, string>();
      if (names.size >= NAMES && !names.has(name)) throw new Error(`over ${NAMES} scripts were uploaded`);
      names.set(name, source);
      kept.set(pool, names);
    },
    find(pool, [script, name, keys, args]) {
      const called = bytesOf(name);
      const source = bytesOf(script) || kept.get(pool)?.get(called);
      if (source === undefined) throw new Error(`no script was uploaded with the name "${called}"`);
      return { source, sha: shaOf(source), keys: argumentsOf([keys ?? []]), args: argumentsOf([args ?? []]) };
    },
  };
}

/** What Redis calls the script. */
export function shaOf(source: string): string {
  return createHash("sha1").update(source, "latin1").digest("hex");
}

/** The command that runs a script by its source or its digest. */
export function evalOf({ source, sha, keys, args }: RedisScript, by: "EVAL" | "EVALSHA"): string[] {
  return [by, by === "EVAL" ? source : sha, String(keys.length), ...keys, ...args];
}
