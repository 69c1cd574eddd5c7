import type { Logger } from "../telemetry/index.ts";

/** Something that is done again and again beside the requests. */
export interface Chore {
  /** Milliseconds. */
  readonly every: number;
  /** What it is about, as the log names it when it fails. */
  readonly name: string;
  readonly work: () => Promise<unknown>;
}

export interface Chores {
  /** Names of those that failed the last time. */
  readonly failing: () => readonly string[];
  stop(): void;
}

/** Runs chores on timers that keep no process alive; a failure is logged, and the next turn comes all the same. */
export function startChores(chores: readonly Chore[], logger: Logger): Chores {
  const failing = new Set<string>();
  const timers = chores.map(({ every, name, work }) => {
    const timer = setInterval(() => {
      work().then(
        () => failing.delete(name),
        (cause: unknown) => {
          failing.add(name);
          logger.error("A task in the background failed; it is tried again.", { task: name, cause });
        },
      );
    }, every);
    timer.unref();
    return timer;
  });
  return {
    failing: () => [...failing],
    stop() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}
