import type { Clock } from "../../../kernel/index.ts";
import { type Connection, ConnectionLost } from "./connection.ts";

/** The connections to one database. Nobody holds one over the end of `use`, so a call that waits for one waits for a statement alone. */
export interface Pool {
  /**
   * Runs `work` with a connection of its own, at most `limit` at a time; one that is not to be kept is closed afterwards. When `signal`
   * aborts it rejects at once, and the connection is cancelled and never used again. Where `work` may be repeated, a connection that was
   * lost while nobody used it is no failure.
   * @throws Error when the database cannot be reached, when no connection became free in time, and what `work` throws.
   */
  use<Value>(how: Use, work: (connection: Connection) => Promise<Value>): Promise<Value>;
  /** Answers whether no connection is in use or being made. */
  isIdle(): boolean;
  close(): void;
}

export interface Use {
  readonly limit: number;
  readonly signal: AbortSignal;
  readonly keep: boolean;
  readonly mayRepeat: boolean;
}

interface Waiter {
  readonly give: (connection: Connection) => void;
  readonly fail: (error: Error) => void;
}

const CALL_OVER = "the call is over";
const STOPPING = "the program is stopping";
/** Milliseconds a call may wait for a connection. */
const QUEUE_WAIT = 3_000;
/** Milliseconds a connection is kept without use: shorter than what firewalls and servers forget them after. */
const KEEP_IDLE = 30_000;

export function createPool({ connect, clock }: { connect: () => Promise<Connection>; clock: Clock }): Pool {
  const closing = new AbortController();
  const idle: { readonly connection: Connection; readonly since: number }[] = [];
  const waiting = new Set<Waiter>();
  let max = 0;
  // All there are: idle, in use, and those being made.
  let size = 0;
  let opening = 0;
  let isSweeping = false;

  const drop = (connection: Connection): void => {
    connection.close();
    size -= 1;
    grow();
  };
  const offer = (connection: Connection): void => {
    if (!connection.isReusable() || closing.signal.aborted) return drop(connection);
    const [waiter] = waiting;
    if (waiter !== undefined) return waiter.give(connection);
    idle.push({ connection, since: clock.monotonic() });
    void sweep();
  };
  const grow = (): void => {
    if (!closing.signal.aborted && size < max && opening < waiting.size) void open();
  };
  const open = async (): Promise<void> => {
    size += 1;
    opening += 1;
    try {
      const connection = await connect();
      opening -= 1;
      offer(connection);
    } catch (error) {
      opening -= 1;
      size -= 1;
      // Who can still hope for a connection that is in use goes on waiting.
      if (size === opening)
        for (const waiter of waiting) waiter.fail(error instanceof Error ? error : new Error("failed"));
    }
  };
  const sweep = async (): Promise<void> => {
    if (isSweeping) return;
    isSweeping = true;
    while (idle.length > 0) {
      await clock.sleep(KEEP_IDLE / 2, closing.signal);
      const limit = closing.signal.aborted ? Number.POSITIVE_INFINITY : clock.monotonic() - KEEP_IDLE;
      // The oldest are in front.
      while (idle[0] !== undefined && (idle[0].since <= limit || !idle[0].connection.isReusable())) {
        const [oldest] = idle.splice(0, 1);
        if (oldest !== undefined) drop(oldest.connection);
      }
    }
    isSweeping = false;
  };
  const takeIdle = (): Connection | undefined => {
    for (let kept = idle.pop(); kept !== undefined; kept = idle.pop()) {
      if (kept.connection.isReusable()) return kept.connection;
      drop(kept.connection);
    }
    return undefined;
  };
  const acquire = (signal: AbortSignal): Promise<Connection> =>
    new Promise((resolve, reject) => {
      const over = new AbortController();
      // Whatever comes first takes the waiter out at once: a connection given to one who has gone would be lost.
      const settle = (act: () => void): void => {
        if (!waiting.delete(waiter)) return;
        over.abort();
        act();
      };
      const fail = (error: Error): void => settle(() => reject(error));
      const waiter: Waiter = { give: (connection) => settle(() => resolve(connection)), fail };
      waiting.add(waiter);
      signal.addEventListener("abort", () => fail(new Error(CALL_OVER)), { signal: over.signal });
      void clock
        .sleep(QUEUE_WAIT, over.signal)
        .then(() => fail(new Error(`all ${max} connections to the database are in use`)));
      grow();
    });

  const runOn = async <Value>(
    connection: Connection,
    { signal, keep }: Use,
    work: (on: Connection) => Promise<Value>,
  ) => {
    const over = new AbortController();
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener("abort", () => reject(new Error(CALL_OVER)), { signal: over.signal }),
    );
    try {
      return await Promise.race([work(connection), aborted]);
    } finally {
      over.abort();
      // Until the server has been told, the connection counts: or else it would have more to do than was allowed.
      if (signal.aborted) void connection.cancel().then(() => drop(connection));
      else if (keep) offer(connection);
      else drop(connection);
    }
  };

  return {
    async use(how, work) {
      for (;;) {
        if (closing.signal.aborted) throw new Error(STOPPING);
        if (how.signal.aborted) throw new Error(CALL_OVER);
        max = how.limit;
        const kept = takeIdle();
        const connection = kept ?? (await acquire(how.signal));
        try {
          if (!how.signal.aborted) return await runOn(connection, how, work);
          offer(connection);
        } catch (error) {
          if (kept === undefined || !how.mayRepeat || !(error instanceof ConnectionLost)) throw error;
        }
      }
    },
    isIdle: () => size === idle.length,
    close() {
      closing.abort();
      for (const waiter of waiting) waiter.fail(new Error(STOPPING));
      for (const { connection } of idle.splice(0)) drop(connection);
    },
  };
}
