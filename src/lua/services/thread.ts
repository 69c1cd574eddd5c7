import { Worker } from "node:worker_threads";
import type { LuaValue } from "../values.ts";

/** A thread that answers requests one by one. */
export interface ServiceThread {
  /** Rejects when the wait before the work began was longer than `queueWait` milliseconds, or when the thread died. */
  ask(op: string, args: readonly LuaValue[], queueWait: number): Promise<LuaValue>;
  /** Ends the thread; every later request is refused. */
  close(): Promise<void>;
}

interface Waiting {
  readonly resolve: (value: LuaValue) => void;
  readonly reject: (error: Error) => void;
}

type Answer = { readonly id: number; readonly value: LuaValue; readonly error: string | null };

/** Starts the thread at first use and again after it died. */
export function createServiceThread(file: URL): ServiceThread {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let isClosed = false;
  let last = 0;

  const lose = (lost: Worker | undefined): void => {
    if (worker !== lost) return;
    worker = undefined;
    for (const { reject } of waiting.values()) reject(new Error("the service thread ended"));
    waiting.clear();
  };
  const start = (): Worker => {
    const started = new Worker(file, { env: {}, resourceLimits: { maxOldGenerationSizeMb: 512 } });
    started.on("message", ({ id, value, error }: Answer) => {
      const found = waiting.get(id);
      waiting.delete(id);
      if (error === null) found?.resolve(value);
      else found?.reject(new Error(error));
      if (waiting.size === 0) started.unref();
    });
    started.on("error", () => lose(started));
    started.on("exit", () => lose(started));
    return started;
  };
  return {
    ask(op, args, queueWait) {
      if (isClosed) return Promise.reject(new Error("the program is stopping"));
      worker ??= start();
      const asked = worker;
      asked.ref();
      last += 1;
      const id = last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        asked.postMessage({ id, op, args, giveUpAt: Date.now() + queueWait });
      });
    },
    async close() {
      isClosed = true;
      const ending = worker;
      lose(ending);
      await ending?.terminate();
    },
  };
}
