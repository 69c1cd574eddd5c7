import { createHash, randomBytes, randomInt } from "node:crypto";
import type { Now } from "./call.ts";
import { formatDate } from "./dates.ts";
import { formatGo, parseGo } from "./go-time.ts";
import { attempt, bufferOf, type Helper } from "./helper.ts";
import { cryptoFunctions } from "./modules/crypto.ts";
import { httpFunctions } from "./modules/http.ts";
import { miscFunctions } from "./modules/misc.ts";
import { regexpFunctions } from "./modules/regexp.ts";
import { bytesOf, fromBytes, type LuaValue, toBytes } from "./values.ts";

export interface HelperDeps {
  /** Environment variables this backend may read. */
  readonly environment: Readonly<Record<string, string>>;
  readonly packagePath: readonly string[];
  /** A Lua file, a character for each byte; `null` when there is none. @throws Error when it is too large. */
  readonly read: (path: string) => string | null;
  readonly log: (level: "debug" | "info" | "warn" | "error", message: string) => void;
}

const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/** Host functions that answer at once. The prelude and its modules alone see them. */
export function helperFunctions(deps: HelperDeps, now: Now): Readonly<Record<string, Helper>> {
  return {
    ...cryptoFunctions,
    ...httpFunctions,
    ...miscFunctions,
    ...regexpFunctions(now),
    log: (level, message) => {
      deps.log(isLevel(level) ? level : "info", fromBytes(bytesOf(message)).slice(0, 4_000));
      return [];
    },
    custom_log: (key, value) => {
      now.current()?.logged.push([fromBytes(bytesOf(key)).slice(0, 128), fromBytes(bytesOf(value)).slice(0, 1_024)]);
      return [];
    },
    status_message: (text) => {
      const call = now.current();
      if (call !== undefined) call.statusMessage = fromBytes(bytesOf(text)).slice(0, 512);
      return [];
    },
    getenv: (name) => [
      Object.hasOwn(deps.environment, bytesOf(name)) ? toBytes(deps.environment[bytesOf(name)] ?? "") : null,
    ],
    unix: () => [Date.now() / 1000],
    clock: () => [performance.now() / 1000],
    os_time: (parts) =>
      attempt(() => (parts === null || parts === undefined ? Math.floor(Date.now() / 1000) : epochOf(parts))),
    os_date: (format, when) => [
      formatDate(bytesOf(format), typeof when === "number" ? when : Math.floor(Date.now() / 1000)),
    ],
    random_string: (length) => {
      const count = Math.min(Math.max(Math.floor(Number(length)) || 0, 0), 1_024);
      return [Array.from({ length: count }, () => LETTERS[randomInt(LETTERS.length)]).join("")];
    },
    short_hash: (plain) => {
      const digest = createHash("sha256").update(randomBytes(8)).update("\0").update(bufferOf(plain));
      return [digest.digest("hex").slice(0, 8)];
    },
    json_encode: (value) => attempt(() => toBytes(JSON.stringify(toJson(value)))),
    json_decode: (text) => attempt(() => fromJson(JSON.parse(fromBytes(bytesOf(text))))),
    time_format: (seconds, layout, zone) =>
      attempt(() => toBytes(formatGo(Number(seconds), fromBytes(bytesOf(layout)), fromBytes(bytesOf(zone))))),
    time_parse: (text, layout, zone) =>
      attempt(() =>
        parseGo(
          fromBytes(bytesOf(text)).slice(0, 256),
          fromBytes(bytesOf(layout)).slice(0, 256),
          fromBytes(bytesOf(zone)),
        ),
      ),
    find_module: (name) => findModule(bytesOf(name), deps),
  };
}

function isLevel(level: LuaValue | undefined): level is "debug" | "info" | "warn" | "error" {
  return level === "debug" || level === "info" || level === "warn" || level === "error";
}

function toJson(value: LuaValue | undefined): unknown {
  if (typeof value === "string") return fromBytes(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [fromBytes(key), toJson(item)]),
  );
}

function fromJson(value: unknown): LuaValue {
  if (typeof value === "string") return toBytes(value);
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value !== "object") return value as LuaValue;
  return value === null
    ? null
    : Object.fromEntries(Object.entries(value).map(([key, item]) => [toBytes(key), fromJson(item)]));
}

/** Seconds of a Lua date table in local time, as `os.time` has them; beyond 2038 too. */
function epochOf(parts: LuaValue): number {
  const table = parts as Readonly<Record<string, LuaValue>>;
  const at = (name: string, fallback?: number): number => {
    const value = Number(table[name] ?? Number.NaN);
    if (!Number.isNaN(value)) return Math.trunc(value);
    if (fallback === undefined) throw new Error(`field '${name}' missing in date table`);
    return fallback;
  };
  const [day, month, year] = [at("day"), at("month"), at("year")];
  return new Date(year, month - 1, day, at("hour", 12), at("min", 0), at("sec", 0)).getTime() / 1000;
}

/** Only plain names: a module name is never a way to another folder. */
function findModule(name: string, { packagePath, read }: HelperDeps): readonly LuaValue[] {
  if (!/^[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*$/.test(name)) return [null];
  for (const folder of packagePath) {
    const path = `${folder}/${name.replaceAll(".", "/")}.lua`;
    const source = read(path);
    if (source !== null) return [source, toBytes(path)];
  }
  return [null];
}
