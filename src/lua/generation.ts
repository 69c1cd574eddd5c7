import { BACKEND_FUNCTIONS, type FunctionName, type RequestFields } from "../backend/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { Logger, LuaMetrics } from "../telemetry/index.ts";
import { type Failure, type FromWorker, type HostReply, type RawResult, START } from "./messages.ts";
import type { LuaBackendOptions } from "./options.ts";
import type { HostServices } from "./services/port.ts";
import { startThread, type Thread } from "./thread.ts";

/** One call on its way to an answer. */
export interface Call {
  readonly id: number;
  readonly fn: FunctionName;
  readonly fields: RequestFields;
  /** Ends the host operations of the call; made with the first of them. */
  abort: AbortController | undefined;
  /** Host operations under way. */
  operations: number;
  /** A host operation that may have changed something was sent. */
  wrote: boolean;
  /** How often the call was given to a thread. */
  runs: number;
}

/** The threads of a backend that run one version of its files. */
export interface Generation {
  readonly functions: readonly FunctionName[];
  /** One of its threads runs. */
  isUp(): boolean;
  /** Gives the call to the thread with the fewest in flight; answers `false` when none can take it now. */
  give(call: Call): boolean;
  /** A call that was given up does not go on in its thread. */
  cancel(call: Call): void;
  /** Ends each thread with its last call; none is replaced any more. */
  retire(): Promise<void>;
  close(): Promise<void>;
}

export interface GenerationDeps {
  readonly options: LuaBackendOptions;
  /** How many threads. */
  readonly workers: number;
  readonly services: HostServices;
  readonly logger: Logger;
  readonly metrics?: LuaMetrics;
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Filled with what the threads read; all run the same version. */
  readonly sources: Map<string, string | null>;
  readonly ended: (call: Call, outcome: RawResult | Failure) => void;
  /** The call took its thread with it. */
  readonly cost: (call: Call) => void;
  /** The thread of this call was lost; it may run again. */
  readonly again: (call: Call) => void;
  /** A thread can take calls again. */
  readonly ready: () => void;
}

/** One place for a thread. Without one while a lost thread is being replaced. */
interface Slot {
  thread: Thread | undefined;
  readonly calls: Map<number, Call>;
  /** Told when the last call has gone. */
  emptied: (() => void) | undefined;
}

/** Calls a thread may have in flight; each takes some 13 KB while it waits. */
const IN_FLIGHT = 1_000;

/** Milliseconds before the nth try to start a thread again, so that a machine in trouble is not kept busy with it. */
function backOff(attempt: number): number {
  return Math.min(100 * 2 ** attempt, 10_000);
}

/** Starts the threads of one backend, which are replaced when they are lost. @throws LuaScriptError when the script cannot be loaded. */
export async function startGeneration(deps: GenerationDeps): Promise<Generation> {
  const { options, sources, services, logger, clock } = deps;
  const closing = new AbortController();
  const retiring = new AbortController();
  // What a script's top level and init scripts ask for.
  const starting: Pick<Call, "abort" | "operations" | "wrote"> = { abort: closing, operations: 0, wrote: false };
  const slots = Array.from(
    { length: deps.workers },
    (): Slot => ({ thread: undefined, calls: new Map(), emptied: undefined }),
  );

  const open = async (slot: Slot): Promise<Thread> => {
    const thread = await startThread({
      ...deps,
      read: (path, text) => {
        if (!sources.has(path)) sources.set(path, text);
      },
      serve: (message) => serve(slot, message),
      ended: (message) => ended(slot, message),
      gone: () => onGone(slot, thread),
    });
    slot.thread = thread;
    if (closing.signal.aborted) void thread.end();
    return thread;
  };

  const ended = (slot: Slot, message: Extract<FromWorker, { kind: "done" | "failed" }>): void => {
    const call = slot.calls.get(message.id);
    if (call === undefined) return;
    leave(slot, call);
    deps.ended(call, message.kind === "done" ? message.result : message.failure);
  };

  const leave = (slot: Slot, call: Call): boolean => {
    const wasThere = slot.calls.delete(call.id);
    if (slot.calls.size === 0) slot.emptied?.();
    return wasThere;
  };

  const serve = async (
    slot: Slot,
    { call: id, op, args }: Extract<FromWorker, { kind: "host" }>,
  ): Promise<HostReply | undefined> => {
    const call = id === START ? starting : slot.calls.get(id);
    if (call === undefined) return undefined;
    if (!services.isReadOnly(op, args)) call.wrote = true;
    call.abort ??= new AbortController();
    call.operations += 1;
    const answer = await services.call(options.allow, op, args, call.abort.signal).then(
      (value) => ({ value, error: null }),
      (error: unknown) => ({ value: null, error: error instanceof Error ? error.message : "failed" }),
    );
    call.operations -= 1;
    return answer;
  };

  const onGone = (slot: Slot, thread: Thread): void => {
    if (closing.signal.aborted || (retiring.signal.aborted && slot.calls.size === 0)) return;
    const calls = [...slot.calls.values()];
    const culprit = slot.calls.get(thread.running());
    slot.thread = undefined;
    slot.calls.clear();
    const facts = { backend: options.name, function: culprit?.fn, in_flight: calls.length };
    logger.error("A Lua thread was lost and is replaced.", facts);
    deps.metrics?.threadLost(options.name);
    // What a former version did says nothing about the one in use.
    if (culprit !== undefined && !retiring.signal.aborted) deps.cost(culprit);
    for (const call of calls) {
      if (call === culprit) {
        const reason = "the script stood still in a library function or used up the memory of its thread";
        deps.ended(call, { by: "thread_lost", reason });
      } else if (mayRunAgain(call)) deps.again(call);
      else deps.ended(call, { by: "thread_lost", reason: "the Lua thread was lost during the call" });
    }
    if (retiring.signal.aborted) slot.emptied?.();
    else void replace(slot, 0);
  };

  const replace = async (slot: Slot, attempt: number): Promise<void> => {
    try {
      const thread = await open(slot);
      if (retiring.signal.aborted) return void thread.end();
      deps.ready();
    } catch (cause) {
      const facts = { backend: options.name, attempt, cause };
      logger.error("A Lua thread could not be started again; another try follows.", facts);
      await clock.sleep(backOff(attempt), retiring.signal);
      if (!retiring.signal.aborted) await replace(slot, attempt + 1);
    }
  };

  const close = async (): Promise<void> => {
    closing.abort();
    retiring.abort();
    await Promise.all(slots.map(async ({ thread }) => thread?.end()));
  };

  let functions: readonly FunctionName[];
  try {
    // The first one reads the files, the others run what it read.
    const [first, ...others] = slots;
    if (first === undefined) throw new Error("a backend has a thread at least");
    ({ functions } = await open(first));
    await Promise.all(others.map(open));
  } catch (error) {
    await close();
    throw error;
  }
  return {
    functions,
    isUp: () => slots.some(({ thread }) => thread !== undefined),
    give(call) {
      const slot = leastBusy(slots);
      if (slot === undefined) return false;
      call.runs += 1;
      slot.calls.set(call.id, call);
      slot.thread?.post({ kind: "call", id: call.id, fn: call.fn, fields: call.fields });
      return true;
    },
    cancel(call) {
      for (const slot of slots) {
        if (leave(slot, call)) slot.thread?.post({ kind: "cancel", id: call.id });
      }
    },
    async retire() {
      retiring.abort();
      await Promise.all(
        slots.map(async (slot) => {
          if (slot.calls.size > 0) await new Promise<void>((resolve) => (slot.emptied = resolve));
          await slot.thread?.end();
        }),
      );
    },
    close,
  };
}

function leastBusy(slots: readonly Slot[]): Slot | undefined {
  let best: Slot | undefined;
  for (const slot of slots) {
    if (slot.thread !== undefined && slot.calls.size < (best?.calls.size ?? IN_FLIGHT)) best = slot;
  }
  return best;
}

/** Only what changed nothing may run again, and only once. */
function mayRunAgain({ wrote, runs, fn }: Call): boolean {
  return !wrote && runs < 2 && BACKEND_FUNCTIONS[fn].reads;
}
