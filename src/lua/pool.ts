import type { FunctionName, RequestFields } from "../backend/index.ts";
import type { LuaMetrics } from "../telemetry/index.ts";
import { admit, afterLoss, afterProbe, type Circuit, CLOSED } from "./circuit.ts";
import { type Call, type Generation, type GenerationDeps, startGeneration } from "./generation.ts";
import type { Failure, RawResult } from "./messages.ts";
import { startVersions } from "./versions.ts";

export type CallOutcome = { readonly ok: true; readonly result: RawResult } | ({ readonly ok: false } & Failure);

/** The calls of one backend. */
export interface LuaPool {
  /** Which functions the script defines that is in use now. */
  functions(): readonly FunctionName[];
  /** A thread runs; otherwise calls wait for the next one. */
  readonly isUp: () => boolean;
  call(fn: FunctionName, fields: RequestFields): Promise<CallOutcome>;
  /** Takes over what changed on disk, when it can be used. */
  refresh(): Promise<void>;
  status(): PoolStatus;
  close(): Promise<void>;
}

export interface PoolStatus {
  /** Calls that wait for a thread or have one. */
  readonly inFlight: number;
  /** The script on disk cannot be used; the last good one is. */
  readonly isStale: boolean;
}

export type PoolDeps = Omit<GenerationDeps, "sources" | "ended" | "cost" | "again" | "ready">;

/** A call and what ends it. */
interface Pending extends Call {
  readonly settle: (outcome: CallOutcome) => void;
  /** The one call that may show that its function is harmless again. */
  readonly isProbe: boolean;
  /** When it began to wait for a thread, where it had to. */
  queuedAt: number | undefined;
  /** When a thread first had it, where somebody counts. */
  takenAt: number | undefined;
  /** Runs from when a thread first had the call. */
  deadline: NodeJS.Timeout | undefined;
  /** Runs while no thread has it. */
  patience: NodeJS.Timeout | undefined;
}

/** Starts the threads of a backend and gives them calls. @throws LuaScriptError when the script cannot be loaded. */
export async function startPool(deps: PoolDeps): Promise<LuaPool> {
  const { clock, options, metrics } = deps;
  const { limits } = options;
  const circuits = new Map<FunctionName, Circuit>();
  const pending = new Map<number, Pending>();
  /** Those no thread has, in the order they came. */
  const queue = new Set<Pending>();
  let last = 0;

  const tooLong: Failure = {
    by: "deadline",
    reason: `no answer within ${limits.call} ms (lua.backends[].limits.call)`,
  };
  const noThread: Failure = {
    by: "queue_wait",
    reason: `no Lua thread was free within ${limits.queue_wait} ms (lua.backends[].limits.queue_wait)`,
  };
  const secondsSince = (at: number): number => (clock.monotonic() - at) / 1_000;
  const circuitOf = (fn: FunctionName): Circuit => circuits.get(fn) ?? CLOSED;
  const start = (sources: Map<string, string | null>): Promise<Generation> =>
    startGeneration({
      ...deps,
      sources,
      ended: ({ id }, outcome) =>
        settle(id, "by" in outcome ? { ok: false, ...outcome } : { ok: true, result: outcome }),
      cost: ({ fn }) => void circuits.set(fn, afterLoss(circuitOf(fn), clock.monotonic())),
      again({ id }) {
        const call = pending.get(id);
        if (call !== undefined) place(call);
      },
      ready: () => fill(),
    });

  const settle = (id: number, outcome: CallOutcome): void => {
    const call = pending.get(id);
    if (call === undefined) return;
    pending.delete(id);
    queue.delete(call);
    clearTimeout(call.deadline);
    clearTimeout(call.patience);
    // An abort makes an exception with a stack, so it is only made for somebody.
    if (call.operations > 0) call.abort?.abort();
    if (call.takenAt !== undefined) metrics?.ran(options.name, call.fn, secondsSince(call.takenAt));
    if (!outcome.ok) metrics?.failed(options.name, call.fn, outcome.by);
    if (call.isProbe) circuits.set(call.fn, afterProbe(circuitOf(call.fn), isVerdict(outcome), clock.monotonic()));
    call.settle(outcome);
    fill();
  };
  const giveUp = (call: Pending, failure: Failure): void => {
    versions.cancel(call);
    settle(call.id, { ok: false, ...failure });
  };

  const measureWait = (call: Pending, to: LuaMetrics): void => {
    if (call.takenAt !== undefined) return;
    call.takenAt = clock.monotonic();
    to.waited(options.name, call.queuedAt === undefined ? 0 : (call.takenAt - call.queuedAt) / 1_000);
  };
  const give = (call: Pending): boolean => {
    if (!versions.current().give(call)) return false;
    if (metrics !== undefined) measureWait(call, metrics);
    call.deadline ??= setTimeout(() => giveUp(call, tooLong), limits.call);
    return true;
  };
  /** To a thread, or behind those that wait for one. */
  const place = (call: Pending): void => {
    if (queue.size === 0 && give(call)) return;
    queue.add(call);
    call.queuedAt ??= clock.monotonic();
    call.patience = setTimeout(() => giveUp(call, noThread), limits.queue_wait);
  };
  const fill = (): void => {
    for (const call of queue) {
      if (!give(call)) return;
      queue.delete(call);
      clearTimeout(call.patience);
    }
  };

  // The script that cost its threads is not the one in use any more.
  const changed = (): void => {
    circuits.clear();
    fill();
  };
  const versions = await startVersions({ ...deps, start, changed });
  return {
    functions: () => versions.current().functions,
    isUp: () => versions.current().isUp(),
    call(fn, fields) {
      const circuit = circuits.get(fn);
      const admission = circuit === undefined ? "goes" : admit(circuit, clock.monotonic());
      if (admission === "refused") {
        metrics?.failed(options.name, fn, "circuit");
        const reason = `${fn} cost its thread twice within a minute and is refused for a while (lua.backends[].script: ${options.script})`;
        return Promise.resolve({ ok: false, by: "circuit", reason });
      }
      const isProbe = admission === "probes";
      if (isProbe) circuits.set(fn, { state: "probing" });
      return new Promise((resolve) => {
        last += 1;
        const call: Pending = {
          id: last,
          fn,
          fields,
          settle: resolve,
          isProbe,
          queuedAt: undefined,
          takenAt: undefined,
          abort: undefined,
          operations: 0,
          wrote: false,
          runs: 0,
          deadline: undefined,
          patience: undefined,
        };
        pending.set(call.id, call);
        place(call);
      });
    },
    refresh: () => versions.refresh(),
    status: () => ({ inFlight: pending.size, isStale: versions.isStale() }),
    async close() {
      const closed = versions.close();
      for (const call of pending.values()) giveUp(call, { by: "stopped", reason: "the program is stopping" });
      await closed;
    },
  };
}

/** Whether the end of a call shows that its function left the thread alive. */
function isVerdict(outcome: CallOutcome): boolean {
  return outcome.ok || !["queue_wait", "thread_lost", "stopped"].includes(outcome.by);
}
