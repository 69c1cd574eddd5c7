import { connectRedis, type RedisConnection, type RedisRequest } from "./connection.ts";
import type { RedisGrant } from "./grant.ts";
import type { RedisReply } from "./values.ts";

export interface RedisPools {
  /**
   * Rejects with the server's words, with those of the system when it cannot be reached, and when the signal comes before the answer.
   * A command whose connection is lost may have been carried out.
   */
  send(grant: RedisGrant, request: RedisRequest, signal: AbortSignal): Promise<RedisReply>;
  close(): void;
}

/** One connection for each configured pool, made when it is first needed and again after it was lost. */
export function createRedisPools(): RedisPools {
  const pools = new Map<string, Promise<RedisConnection>>();
  let isClosed = false;

  const connection = (grant: RedisGrant): Promise<RedisConnection> => {
    const key = identityOf(grant);
    const known = pools.get(key);
    if (known !== undefined) return known;
    const forget = (): void => {
      if (pools.get(key) === made) pools.delete(key);
    };
    const made = connectRedis(grant, forget);
    // An attempt is shared by all that wait for it, and the next caller makes another.
    made.catch(forget);
    pools.set(key, made);
    return made;
  };
  const ask = async (grant: RedisGrant, request: RedisRequest): Promise<RedisReply> => {
    if (isClosed) throw new Error("the program is stopping");
    const reached = await connection(grant).catch((cause: unknown) => {
      throw new Error(`the Redis server ${grant.servers.join(", ")} cannot be used: ${wordsOf(cause)}`);
    });
    return reached.send(request).catch((cause: unknown) => {
      throw new Error(wordsOf(cause));
    });
  };
  return {
    send: (grant, request, signal) => unlessAborted(ask(grant, request), signal),
    close() {
      isClosed = true;
      for (const made of pools.values())
        made.then(
          ({ end }) => end(),
          () => undefined,
        );
      pools.clear();
    },
  };
}

/** A command that is on its way cannot be called back; its answer goes nowhere. */
function unlessAborted<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(new Error("the call ended before Redis answered"));
    signal.addEventListener("abort", giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", giveUp));
  });
}

/** The same for grants with the same content; two backends share a connection only where they have the same credentials. */
function identityOf(grant: RedisGrant): string {
  const { password, sentinel_password, encryption_secret: _, ...rest } = grant;
  return JSON.stringify([rest, password?.expose(), sentinel_password?.expose()]);
}

/** Some errors of the system have no message of their own but those of the addresses that were tried. */
function wordsOf(cause: unknown): string {
  if (cause instanceof AggregateError) return cause.errors.map(wordsOf).join("; ");
  return cause instanceof Error && cause.message !== "" ? cause.message : "the connection failed";
}
