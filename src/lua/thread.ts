import { Worker } from "node:worker_threads";
import type { FunctionName } from "../backend/index.ts";
import { type Clock, siblingModule } from "../kernel/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { type FromWorker, type HostReply, SLOT, type ToWorker, type WorkerSetup } from "./messages.ts";
import type { LuaBackendOptions } from "./options.ts";
import type { Sources } from "./sources.ts";
import { watchThread } from "./watchdog.ts";

/** A script that cannot be used, with the place in it. */
export class LuaScriptError extends Error {
  override readonly name = "LuaScriptError";
}

/** A Lua thread that has loaded its script. */
export interface Thread {
  readonly functions: readonly FunctionName[];
  readonly post: (message: ToWorker) => void;
  /** The id of the call that runs now, or ran at the end; 0: none. */
  readonly running: () => number;
  readonly end: () => Promise<unknown>;
}

export interface ThreadDeps {
  readonly options: LuaBackendOptions;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** What is known of files already. */
  readonly sources: Sources;
  /** The thread read a file, or found that it is not there. */
  readonly read: (path: string, text: string | null) => void;
  /** Answers a host operation; `undefined` where nobody waits for it any more. */
  readonly serve: (message: Extract<FromWorker, { kind: "host" }>) => Promise<HostReply | undefined>;
  readonly ended: (message: Extract<FromWorker, { kind: "done" | "failed" }>) => void;
  /** The thread is gone, whoever ended it. */
  readonly gone: () => void;
}

const READY_MS = 10_000;

/** @throws LuaScriptError when the script cannot be loaded. */
export function startThread(deps: ThreadDeps): Promise<Thread> {
  const { options, logger } = deps;
  const buffer = new SharedArrayBuffer(16);
  const shared = new Int32Array(buffer);
  const worker = new Worker(siblingModule("./worker", import.meta.url), {
    workerData: setupOf(deps, buffer),
    env: { FENGARICONF: '{"LUA_COMPAT_FLOATSTRING":true,"LUAI_MAXSTACK":20000}' },
    resourceLimits: { maxOldGenerationSizeMb: 256, stackSizeMb: 8 },
  });
  const outgoing: ToWorker[] = [];
  const flush = (): void => {
    worker.postMessage(outgoing.splice(0));
    Atomics.add(shared, SLOT.messages, 1);
    Atomics.notify(shared, SLOT.messages);
  };
  const post = (message: ToWorker): void => void (outgoing.push(message) === 1 && setImmediate(flush));
  const serve = async (message: Extract<FromWorker, { kind: "host" }>): Promise<void> => {
    const answer = await deps.serve(message);
    if (answer !== undefined) post({ kind: "reply", call: message.call, ...answer });
  };
  return new Promise((resolve, reject) => {
    const refuse = (reason: string): void => {
      reject(new LuaScriptError(reason));
      void worker.terminate();
    };
    const late = setTimeout(
      () => refuse(`${options.script}: the script did not finish its top level within ${READY_MS / 1000} seconds`),
      READY_MS,
    );
    let stopWatching: (() => void) | undefined;
    const take = (message: FromWorker): void => {
      if (message.kind === "log") logger[message.level](`Lua: ${message.message}`, { backend: options.name });
      else if (message.kind === "host") void serve(message);
      else if (message.kind === "source") deps.read(message.path, message.text);
      else if (message.kind === "broken") refuse(message.message);
      else if (message.kind === "ready") {
        clearTimeout(late);
        stopWatching = watchThread(worker, shared, deps.clock);
        const running = (): number => Atomics.load(shared, SLOT.running);
        resolve({ functions: message.functions, post, running, end: () => worker.terminate() });
      } else deps.ended(message);
    };
    worker.on("message", (batch: readonly FromWorker[]) => batch.forEach(take));
    worker.on("error", (cause) => logger.error("A Lua thread failed.", { backend: options.name, cause }));
    worker.on("exit", () => {
      clearTimeout(late);
      stopWatching?.();
      if (stopWatching !== undefined) deps.gone();
      else reject(new LuaScriptError(`${options.script}: the Lua thread ended while the script was loaded`));
    });
  });
}

function setupOf({ options, environment, sources }: ThreadDeps, shared: SharedArrayBuffer): WorkerSetup {
  const granted: Record<string, string> = {};
  for (const name of options.allow.env) {
    const value = environment[name];
    if (value !== undefined) granted[name] = value;
  }
  return {
    name: options.name,
    script: options.script,
    init: options.init,
    sources,
    packagePath: options.package_path,
    environment: granted,
    shared,
    instructions: options.limits.instructions,
    memory: options.limits.memory,
    cpuTime: options.limits.cpu_time,
  };
}
