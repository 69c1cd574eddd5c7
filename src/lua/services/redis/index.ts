/** `nauthilus_redis`: Redis and Valkey for scripts, on the servers of `allow.redis`. */
import { bytesOf, type LuaValue } from "../../values.ts";
import { textOf } from "../text.ts";
import { COMMANDS } from "./commands.ts";
import type { RedisRequest } from "./connection.ts";
import { decrypt, encrypt } from "./encryption.ts";
import { describedPool, grantedPool, type RedisGrant, type RedisGrants } from "./grant.ts";
import { createRedisPools } from "./pools.ts";
import { createRedisScripts, evalOf, shaOf } from "./scripts.ts";
import { argument, luaOf } from "./values.ts";

export type { RedisGrants } from "./grant.ts";

export interface RedisService {
  /** The first argument is the name of a pool, except for `register`. @throws Error for the script. */
  call(grants: RedisGrants, op: string, args: readonly LuaValue[], signal: AbortSignal): Promise<LuaValue>;
  close(): void;
}

const PIPELINE = 1_000;
/** Beside the commands that read: these change nothing that anyone sees. */
const HARMLESS = new Set(["register", "pool", "encrypt", "decrypt", "encrypts", "upload_script"]);

/** Running the operation again changes nothing. */
export function redisReads(op: string, args: readonly LuaValue[]): boolean {
  if (op === "pipeline") return args[1] === "read";
  return HARMLESS.has(op) || COMMANDS.get(op)?.reads === true;
}

export function createRedisService(): RedisService {
  const pools = createRedisPools();
  const scripts = createRedisScripts();
  type Operation = (
    grant: RedisGrant,
    values: readonly LuaValue[],
    signal: AbortSignal,
  ) => LuaValue | Promise<LuaValue>;

  const command = async (grant: RedisGrant, name: string, values: readonly LuaValue[], signal: AbortSignal) => {
    const { request, decode } = requestOf(name, values);
    return decode(luaOf(await pools.send(grant, request, signal)));
  };
  /** By its digest first; a server that does not know it (any more) gets the source. */
  const runScript: Operation = async (grant, values, signal) => {
    const script = scripts.find(grant, values);
    const send = (by: "EVAL" | "EVALSHA") =>
      pools.send(grant, { args: evalOf(script, by), key: script.keys[0], reads: false }, signal);
    const reply = await send("EVALSHA").catch((error: Error) => {
      if (!error.message.startsWith("NOSCRIPT")) throw error;
      return send("EVAL");
    });
    return luaOf(reply);
  };
  const pipelined = (grant: RedisGrant, entry: LuaValue, mode: LuaValue | undefined) => {
    const [name, ...values] = Array.isArray(entry) ? (entry as readonly LuaValue[]) : [];
    const lower = bytesOf(name).toLowerCase();
    if (lower === "run_script") {
      if (mode === "read") throw new Error('a pipeline of the kind "read" runs no scripts');
      const script = scripts.find(grant, ["", ...values]);
      return {
        request: { args: evalOf(script, "EVAL"), key: script.keys[0], reads: false },
        decode: (x: LuaValue) => x,
      };
    }
    const found = requestOf(lower, values);
    if (mode === "read" && !found.request.reads) throw new Error(`a pipeline of the kind "read" has no ${lower}`);
    return found;
  };
  /** Everything is understood before anything is sent. The answers are those of single commands, each for itself. */
  const pipeline: Operation = async (grant, [mode, list], signal) => {
    if (mode !== "read" && mode !== "write") throw new Error('the kind of a pipeline must be "read" or "write"');
    const entries = Array.isArray(list) ? (list as readonly LuaValue[]) : [];
    if (entries.length > PIPELINE) throw new Error(`a pipeline has at most ${PIPELINE} commands`);
    const requests = entries.map((entry) => pipelined(grant, entry, mode));
    const answers = await Promise.allSettled(
      requests.map(async ({ request, decode }) => decode(luaOf(await pools.send(grant, request, signal)))),
    );
    return answers.map((answer) =>
      answer.status === "fulfilled"
        ? { ok: true, value: answer.value }
        : { ok: false, err: answer.reason instanceof Error ? answer.reason.message : "failed" },
    );
  };
  const operations: Readonly<Record<string, Operation>> = {
    pool: () => true,
    encrypt: (grant, [value]) => encrypt(grant, argument(value)),
    decrypt: (grant, [value]) => decrypt(grant, textOf(value, "the encrypted value")),
    encrypts: (grant) => grant.encryption_secret !== undefined,
    upload_script: async (grant, [script, name], signal) => {
      const source = textOf(script, "the script");
      scripts.keep(grant, textOf(name, "the name of the script"), source);
      await pools.send(grant, { args: ["SCRIPT", "LOAD", source], key: undefined, reads: false }, signal);
      return shaOf(source);
    },
    run_script: runScript,
    pipeline,
  };
  return {
    async call(grants, op, args, signal) {
      const [pool, ...values] = args;
      if (op === "register") return describedPool(grants, pool, values[0]);
      const grant = grantedPool(grants, textOf(pool, "the Redis pool"));
      const operation = Object.hasOwn(operations, op) ? operations[op] : undefined;
      return operation === undefined ? command(grant, op, values, signal) : operation(grant, values, signal);
    },
    close: () => pools.close(),
  };
}

function requestOf(
  name: string,
  values: readonly LuaValue[],
): { request: RedisRequest; decode: (reply: LuaValue) => LuaValue } {
  const found = COMMANDS.get(name);
  if (found === undefined) throw new Error(`there is no command ${name}`);
  const args = found.encode(values);
  const isKeyless = name === "ping" || name === "keys" || name === "scan";
  const request = { args: [name.toUpperCase(), ...args], key: isKeyless ? undefined : args[0], reads: found.reads };
  return { request, decode: found.decode };
}
