import type { LuaValue } from "../../values.ts";
import { argument, argumentsOf, pairsOf } from "./values.ts";

/** How a function of the module becomes a command, and its reply a value. */
export interface RedisCommand {
  /** Running it again changes nothing. */
  readonly reads: boolean;
  readonly encode: (values: readonly LuaValue[]) => string[];
  readonly decode: (reply: LuaValue) => LuaValue;
}

type Table = Readonly<Record<string, LuaValue>>;

const same = (reply: LuaValue): LuaValue => reply;
const number = (reply: LuaValue): LuaValue => (reply === null ? null : Number(reply));
/** Nauthilus documents "OK" for these; nothing done is a miss. */
const done = (reply: LuaValue): LuaValue => (reply === 0 ? null : "OK");

const READS = `ping get exists mget keys scan hget hlen hgetall hmget hexists sismember smembers scard zrank zrevrank zrange
  zrevrange zrangebyscore zcount zscore lrange llen pfcount`;
const WRITES = `set incr del rename expire mset hset hdel hincrby hincrbyfloat sadd srem zadd zrem zremrangebyscore
  zremrangebyrank zincrby lpush rpush lpop rpop pfadd pfmerge`;

const SPECIAL: Readonly<Record<string, Partial<Omit<RedisCommand, "reads">>>> = {
  set: { encode: ([key, value, options]) => [argument(key), argument(value), ...setOptions(options ?? null)] },
  expire: { encode: ([key, seconds]) => [argument(key), whole(seconds)], decode: done },
  del: { decode: () => "OK" },
  mset: { encode: ([first, ...rest]) => (isTable(first) ? entriesOf(first) : argumentsOf([first ?? null, ...rest])) },
  scan: {
    encode: ([cursor, match, count]) => [
      argument(cursor ?? 0),
      "MATCH",
      argument(match ?? "*"),
      "COUNT",
      whole(count ?? 10),
    ],
    decode: (reply) => {
      const [cursor, keys] = reply as readonly LuaValue[];
      return { cursor: Number.isSafeInteger(Number(cursor)) ? Number(cursor) : (cursor ?? null), keys: keys ?? [] };
    },
  },
  hset: { encode: ([key, ...rest]) => [argument(key), ...(isTable(rest[0]) ? entriesOf(rest[0]) : argumentsOf(rest))] },
  hgetall: { decode: pairsOf },
  zadd: { encode: ([key, members]) => [argument(key), ...scoresOf(members)] },
  zrangebyscore: {
    encode: ([key, min, max, options]) => [argument(key), argument(min), argument(max), ...limit(options)],
  },
  zscore: { decode: number },
  zincrby: { decode: number },
};

/** The commands of the module by the names of its functions, without `redis_`. */
export const COMMANDS: ReadonlyMap<string, RedisCommand> = new Map(
  [...named(READS, true), ...named(WRITES, false)].map(([name, reads]) => [
    name,
    { reads, encode: argumentsOf, decode: same, ...SPECIAL[name] },
  ]),
);

function named(names: string, reads: boolean): readonly (readonly [string, boolean])[] {
  return names.split(/\s+/).map((name) => [name, reads]);
}

/** Seconds, or `{ nx, xx, get, keepttl, ex, px, exat, pxat }`. */
function setOptions(options: LuaValue): string[] {
  if (!isTable(options)) return Number(options) > 0 ? ["EX", whole(options)] : [];
  const flags = ["nx", "xx", "get", "keepttl"].filter((name) => options[name] === true);
  const times = ["ex", "px", "exat", "pxat"].filter((name) => (options[name] ?? null) !== null);
  return [
    ...flags.map((name) => name.toUpperCase()),
    ...times.flatMap((name) => [name.toUpperCase(), whole(options[name])]),
  ];
}

function limit(options: LuaValue | undefined): string[] {
  if (!isTable(options)) return [];
  return ["LIMIT", whole(options["offset"] ?? 0), whole(options["count"] ?? -1)];
}

/** Members and their scores, the other way round than the table has them. */
function scoresOf(members: LuaValue | undefined): string[] {
  if (!isTable(members)) throw new Error("the members must be a table of scores by member");
  return Object.entries(members).flatMap(([member, score]) => [argument(score), member]);
}

function entriesOf(table: Table): string[] {
  return Object.entries(table).flatMap(([name, value]) => [name, argument(value)]);
}

function isTable(value: LuaValue | undefined): value is Table {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Lua computes with fractions where Redis takes whole numbers. */
function whole(value: LuaValue | undefined): string {
  const found = Math.trunc(Number(value));
  if (!Number.isSafeInteger(found)) throw new Error("a count or time must be a whole number");
  return String(found);
}
