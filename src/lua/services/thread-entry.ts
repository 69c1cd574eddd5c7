import { parentPort } from "node:worker_threads";
import type { LuaValue } from "../values.ts";

/** The thread's side of {@link ServiceThread}: answers each request in turn, refusing those that waited too long. */
export function serve(handlers: Readonly<Record<string, (args: readonly LuaValue[]) => LuaValue>>): void {
  parentPort?.on(
    "message",
    ({ id, op, args, giveUpAt }: { id: number; op: string; args: readonly LuaValue[]; giveUpAt: number }) => {
      try {
        if (Date.now() > giveUpAt) throw new Error("the queue is too long");
        const handler = handlers[op];
        if (handler === undefined) throw new Error(`unknown operation ${op}`);
        parentPort?.postMessage({ id, value: handler(args), error: null });
      } catch (error) {
        parentPort?.postMessage({ id, value: null, error: error instanceof Error ? error.message : "failed" });
      }
    },
  );
}
