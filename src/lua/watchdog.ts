import type { Worker } from "node:worker_threads";
import type { Clock } from "../kernel/index.ts";
import { SLOT, STATE } from "./messages.ts";

const LOOK_MS = 100;
/** CPU time without a sign of life after which a thread is ended: only that ends a library function that does not come back. */
const STILL_CPU_MS = 500;
/** The same in elapsed time, for what stands still without working. */
const STILL_MS = 10_000;

/**
 * Ends a thread whose Lua does not move although it runs. Counts the CPU time of the thread, so that one that gets no processor is not taken
 * for one that stands still. Returns what stops the watching.
 */
export function watchThread(
  worker: Pick<Worker, "cpuUsage" | "terminate">,
  shared: Int32Array,
  clock: Clock,
): () => void {
  let seen: number | undefined;
  // Since when the heart has not beaten, and how much the thread had worked then.
  let still: { readonly since: number; readonly cpu: number } | undefined;
  const look = async (): Promise<void> => {
    const beat = Atomics.load(shared, SLOT.heartbeat);
    if (beat !== seen || Atomics.load(shared, SLOT.state) !== STATE.running) {
      [seen, still] = [beat, undefined];
      return;
    }
    const usage = await worker.cpuUsage();
    if (Atomics.load(shared, SLOT.heartbeat) !== beat) return;
    const [now, cpu] = [clock.monotonic(), (usage.user + usage.system) / 1_000];
    still ??= { since: now, cpu };
    if (cpu - still.cpu > STILL_CPU_MS || now - still.since > STILL_MS) await worker.terminate();
  };
  // A thread that ended meanwhile tells no usage.
  const timer = setInterval(() => void look().catch(() => undefined), LOOK_MS);
  timer.unref();
  return () => clearInterval(timer);
}
