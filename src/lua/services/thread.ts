import { Worker } from "node:worker_threads";
import type { LuaValue } from "../values.ts";

/** A thread that answers requests one by one. */
export interface ServiceThread {
  /** Rejects when the wait before the work began was longer than `queueWait` milliseconds, or when the thread died. */
  ask(op: string, args: readonly LuaValue[], queueWait: number): Promise<LuaValue>;
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
  let last = 0;

  const lose = (): void => {
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
    started.on("error", lose);
    started.on("exit", () => {
      if (worker === started) lose();
    });
    return started;
  };
  return {
    ask(op, args, queueWait) {
      worker ??= start();
      worker.ref();
      last += 1;
      const id = last;
      return new Promise((resolve, reject) => {
        waiting.set(id, { resolve, reject });
        worker?.postMessage({ id, op, args, giveUpAt: Date.now() + queueWait });
      });
    },
    async close() {
      const ending = worker;
      lose();
      await ending?.terminate();
    },
  };
}
