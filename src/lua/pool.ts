import { Worker } from "node:worker_threads";
import { BACKEND_FUNCTIONS, type FunctionName, type RequestFields } from "../backend/index.ts";
import { type Clock, siblingModule } from "../kernel/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type FromWorker, type RawResult, SLOT, STATE, type ToWorker, type WorkerSetup } from "./messages.ts";
import type { LuaBackendOptions } from "./options.ts";
import type { HostServices } from "./services/port.ts";

/** A script that cannot be used, with the place in it. */
export class LuaScriptError extends Error {
  override readonly name = "LuaScriptError";
}

export type CallOutcome =
  | { readonly ok: true; readonly result: RawResult }
  | { readonly ok: false; readonly reason: string };

export interface LuaPool {
  readonly functions: readonly FunctionName[];
  /** A thread runs; otherwise calls wait for the next one. */
  readonly isUp: () => boolean;
  call(fn: FunctionName, fields: RequestFields): Promise<CallOutcome>;
  close(): Promise<void>;
}

export interface PoolDeps {
  readonly options: LuaBackendOptions;
  readonly services: HostServices;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

interface Pending {
  readonly id: number;
  readonly fn: FunctionName;
  readonly fields: RequestFields;
  readonly settle: (outcome: CallOutcome) => void;
  /** Ends the host operations of the call; made with the first of them. */
  abort: AbortController | undefined;
  /** Host operations under way. */
  operations: number;
  readonly deadline: NodeJS.Timeout;
  /** A host operation that may have changed something was sent. */
  wrote: boolean;
  /** How often the call was given to a thread. */
  runs: number;
}

const WATCH_MS = 100;
const STILL_MS = 500;
const READY_MS = 10_000;

/** Milliseconds before the nth try to start a thread again, so that a machine in trouble is not kept busy with it. */
function backOff(attempt: number): number {
  return Math.min(100 * 2 ** attempt, 10_000);
}

/** One Lua thread for a backend, watched and replaced. @throws LuaScriptError when the script cannot be loaded. */
export async function startPool(deps: PoolDeps): Promise<LuaPool> {
  const { options, services, logger, clock } = deps;
  const pending = new Map<number, Pending>();
  const closing = new AbortController();
  const first = await startThread(deps, onMessage, onExit);
  // Absent while a lost thread is being replaced: calls wait for the next one, at most until their own deadline.
  let thread: Thread | undefined = first;
  let last = 0;
  let watched = { beat: -1, since: 0 };
  const watchdog = setInterval(watch, WATCH_MS);
  watchdog.unref();

  function onMessage(from: Thread, message: FromWorker): void {
    if (message.kind === "log") logger[message.level](`Lua: ${message.message}`, { backend: options.name });
    else if (message.kind === "host") void serveHost(from, message);
    else if (message.kind === "done") settle(message.id, { ok: true, result: message.result });
    else if (message.kind === "failed") settle(message.id, { ok: false, reason: message.message });
  }

  function settle(id: number, outcome: CallOutcome): void {
    const call = pending.get(id);
    if (call === undefined) return;
    pending.delete(id);
    clearTimeout(call.deadline);
    // An abort makes an exception with a stack, so it is only made for somebody.
    if (call.operations > 0) call.abort?.abort();
    call.settle(outcome);
  }

  function dispatch(call: Pending): void {
    if (thread === undefined) return;
    call.runs += 1;
    thread.post({ kind: "call", id: call.id, fn: call.fn, fields: call.fields });
  }

  async function serveHost(from: Thread, { call: id, op, args }: Extract<FromWorker, { kind: "host" }>): Promise<void> {
    const call = pending.get(id);
    if (call === undefined) return;
    if (!services.isReadOnly(op, args)) call.wrote = true;
    call.abort ??= new AbortController();
    call.operations += 1;
    const answer = await services.call(options.allow, op, args, call.abort.signal).then(
      (value) => ({ value, error: null }),
      (error: unknown) => ({ value: null, error: error instanceof Error ? error.message : "failed" }),
    );
    call.operations -= 1;
    from.post({ kind: "reply", call: id, ...answer });
  }

  /** A thread whose Lua does not move although it runs is stuck in a library function: only ending the thread ends that. */
  function watch(): void {
    if (thread === undefined) return;
    const beat = Atomics.load(thread.shared, SLOT.heartbeat);
    const isStill = beat === watched.beat && Atomics.load(thread.shared, SLOT.state) === STATE.running;
    if (!isStill) watched = { beat, since: clock.monotonic() };
    else if (clock.monotonic() - watched.since > STILL_MS) void thread.worker.terminate();
  }

  function onExit(from: Thread): void {
    if (closing.signal.aborted || from !== thread) return;
    thread = undefined;
    const culprit = Atomics.load(from.shared, SLOT.running);
    const facts = { backend: options.name, function: pending.get(culprit)?.fn, in_flight: pending.size };
    logger.error("A Lua thread was lost and is replaced.", facts);
    const why = "the script stood still in a library function or used up the memory of its thread";
    settle(culprit, { ok: false, reason: why });
    for (const call of pending.values()) {
      if (!mayRunAgain(call)) settle(call.id, { ok: false, reason: "the Lua thread was lost during the call" });
    }
    void replace(0);
  }

  async function replace(attempt: number): Promise<void> {
    try {
      const started = await startThread(deps, onMessage, onExit);
      if (closing.signal.aborted) return void started.worker.terminate();
      thread = started;
      watched = { beat: -1, since: clock.monotonic() };
      for (const call of pending.values()) dispatch(call);
    } catch (cause) {
      logger.error("A Lua thread could not be started again; another try follows.", {
        backend: options.name,
        attempt,
        cause,
      });
      await clock.sleep(backOff(attempt), closing.signal);
      if (!closing.signal.aborted) await replace(attempt + 1);
    }
  }

  return {
    functions: first.functions,
    isUp: () => thread !== undefined,
    call(fn, fields) {
      last += 1;
      const id = last;
      return new Promise((resolve) => {
        const deadline = setTimeout(() => {
          thread?.post({ kind: "cancel", id });
          settle(id, { ok: false, reason: `no answer within ${options.limits.call} ms (lua.backends[].limits.call)` });
        }, options.limits.call);
        const call: Pending = {
          id,
          fn,
          fields,
          settle: resolve,
          abort: undefined,
          operations: 0,
          deadline,
          wrote: false,
          runs: 0,
        };
        pending.set(id, call);
        dispatch(call);
      });
    },
    async close() {
      closing.abort();
      clearInterval(watchdog);
      for (const id of pending.keys()) settle(id, { ok: false, reason: "the program is stopping" });
      await thread?.worker.terminate();
    },
  };
}

/** Only what changed nothing may run again, and only once. */
function mayRunAgain({ wrote, runs, fn }: Pending): boolean {
  return !wrote && runs < 2 && BACKEND_FUNCTIONS[fn].reads;
}

interface Thread {
  readonly worker: Worker;
  readonly shared: Int32Array;
  readonly functions: readonly FunctionName[];
  post(message: ToWorker): void;
}

function startThread(
  deps: PoolDeps,
  onMessage: (from: Thread, message: FromWorker) => void,
  onExit: (from: Thread) => void,
): Promise<Thread> {
  const { options } = deps;
  const buffer = new SharedArrayBuffer(16);
  const shared = new Int32Array(buffer);
  const environment = Object.fromEntries(
    options.allow.env.flatMap((name) => (deps.environment[name] === undefined ? [] : [[name, deps.environment[name]]])),
  );
  const setup: WorkerSetup = {
    name: options.name,
    script: options.script,
    packagePath: options.package_path,
    environment,
    shared: buffer,
    instructions: options.limits.instructions,
    memory: options.limits.memory,
  };
  const worker = new Worker(siblingModule("./worker", import.meta.url), {
    workerData: setup,
    env: { FENGARICONF: '{"LUA_COMPAT_FLOATSTRING":true,"LUAI_MAXSTACK":20000}' },
    resourceLimits: { maxOldGenerationSizeMb: 256, stackSizeMb: 8 },
  });
  const outgoing: ToWorker[] = [];
  const flush = (): void => {
    worker.postMessage(outgoing.splice(0));
    Atomics.add(shared, SLOT.messages, 1);
    Atomics.notify(shared, SLOT.messages);
  };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(
        new LuaScriptError(
          `${options.script}: the script did not finish its top level within ${READY_MS / 1000} seconds`,
        ),
      );
      void worker.terminate();
    }, READY_MS);
    let thread: Thread | undefined;
    worker.on("message", (batch: readonly FromWorker[]) => {
      for (const message of batch) {
        if (message.kind === "ready") {
          clearTimeout(timer);
          thread = {
            worker,
            shared,
            functions: message.functions,
            post: (item) => void (outgoing.push(item) === 1 && setImmediate(flush)),
          };
          resolve(thread);
        } else if (message.kind === "broken") {
          clearTimeout(timer);
          reject(new LuaScriptError(message.message));
          void worker.terminate();
        } else if (thread !== undefined) onMessage(thread, message);
      }
    });
    worker.on("error", (error) => deps.logger.error("A Lua thread failed.", { backend: options.name, cause: error }));
    worker.on("exit", () => {
      clearTimeout(timer);
      if (thread === undefined)
        reject(new LuaScriptError(`${options.script}: the Lua thread ended while the script was loaded`));
      else onExit(thread);
    });
  });
}
