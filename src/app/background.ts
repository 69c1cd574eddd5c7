import type { Logger } from "../telemetry/index.ts";

/** Something that is done again and again beside the requests. */
export interface Chore {
  /** Milliseconds. */
  readonly every: number;
  /** What is said when it fails. */
  readonly complaint: string;
  readonly work: () => Promise<unknown>;
}

/** Runs chores on timers that keep no process alive; a failure is logged, and the next turn comes all the same. Returns what stops them. */
export function startChores(chores: readonly Chore[], logger: Logger): () => void {
  const timers = chores.map(({ every, complaint, work }) => {
    const timer = setInterval(() => {
      work().catch((cause: unknown) => logger.error(complaint, { cause }));
    }, every);
    timer.unref();
    return timer;
  });
  return () => {
    for (const timer of timers) clearInterval(timer);
  };
}
