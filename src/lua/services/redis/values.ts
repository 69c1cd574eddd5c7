import { bytesOf, type LuaValue } from "../../values.ts";

/** One answer's limits, as for databases; a script that needs more asks in pages. */
const MAX_ITEMS = 10_000;
const MAX_BYTES = 8 * 1024 * 1024;

/** What the client library answers in RESP2 with bulk strings as buffers. */
export type RedisReply = null | number | string | Buffer | readonly RedisReply[];

/** Arguments as bytes. Lists count by their members, booleans are 1 and 0, what is left out at the end is not there. */
export function argumentsOf(values: readonly LuaValue[]): string[] {
  const flat = values.flatMap((value) => (Array.isArray(value) ? (value as readonly LuaValue[]) : [value]));
  while (flat.at(-1) === null) flat.pop();
  return flat.map(argument);
}

/** @throws Error for nil and tables. */
export function argument(value: LuaValue | undefined): string {
  if (typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  if (typeof value === "boolean") return value ? "1" : "0";
  throw new Error(value === null || value === undefined ? "an argument is nil" : "an argument is a table");
}

/** @throws Error for what a call should not take in at once. */
export function luaOf(reply: RedisReply): LuaValue {
  let items = 0;
  let bytes = 0;
  const convert = (part: RedisReply): LuaValue => {
    items += 1;
    if (items > MAX_ITEMS) throw new Error(`the answer has over ${MAX_ITEMS} values; ask for less at once`);
    if (typeof part === "object" && part !== null && !Buffer.isBuffer(part)) return part.map(convert);
    if (part === null || typeof part === "number") return part;
    bytes += part.length;
    if (bytes > MAX_BYTES) throw new Error("the answer is larger than 8 MB; ask for less at once");
    return typeof part === "string" ? part : part.toString("latin1");
  };
  return convert(reply);
}

/** Names and values in turn as a table. */
export function pairsOf(reply: LuaValue): LuaValue {
  const list = Array.isArray(reply) ? (reply as readonly LuaValue[]) : [];
  return Object.fromEntries(
    list.flatMap((name, index) => (index % 2 === 0 ? [[bytesOf(name), list[index + 1] ?? null]] : [])),
  );
}
