import type { DatabaseSync } from "node:sqlite";
import type { Clock } from "../kernel/index.ts";
import { isBusy, unavailable } from "./sqlite-fault.ts";

interface Job {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Runs writes in one transaction per turn of the event loop, so that many of them share one flush to disk. */
export interface Writer {
  /** Resolves with what `run` returned once its transaction is committed. `run` may be run again when that one was undone. */
  write<Value>(run: () => Value): Promise<Value>;
  /** Commits what waits or rejects it; for closing. */
  finish(): void;
}

/** Milliseconds a write waits for another process that holds the database, in total and between two tries. */
const PATIENCE = { total: 5_000, step: 20 } as const;

export function createWriter(database: DatabaseSync, clock: Clock): Writer {
  const begin = database.prepare("BEGIN IMMEDIATE");
  const commit = database.prepare("COMMIT");
  let waiting: Job[] = [];
  let isScheduled = false;
  let blockedSince: number | undefined;

  const rejectAll = (jobs: readonly Job[], cause: unknown): void => {
    const error = unavailable(cause);
    for (const job of jobs) job.reject(error);
  };

  /** Puts the jobs back and tries again later without holding up the event loop. */
  const postpone = (jobs: readonly Job[], cause: unknown): void => {
    blockedSince ??= clock.monotonic();
    if (clock.monotonic() - blockedSince >= PATIENCE.total) {
      blockedSince = undefined;
      rejectAll(jobs, cause);
      return;
    }
    waiting = [...jobs, ...waiting];
    if (isScheduled) return;
    isScheduled = true;
    void clock.sleep(PATIENCE.step).then(flush);
  };

  const transact = (jobs: readonly Job[], mayWait: boolean): void => {
    try {
      begin.run();
    } catch (cause) {
      if (mayWait && isBusy(cause)) postpone(jobs, cause);
      else rejectAll(jobs, cause);
      return;
    }
    blockedSince = undefined;
    try {
      const results = jobs.map((job) => job.run());
      commit.run();
      jobs.forEach((job, position) => job.resolve(results[position]));
    } catch (cause) {
      if (database.isOpen && database.isTransaction) database.exec("ROLLBACK");
      // One impossible write must not take its neighbours along: each gets a transaction of its own.
      if (jobs.length === 1) rejectAll(jobs, cause);
      else for (const job of jobs) transact([job], mayWait);
    }
  };

  const takeWaiting = (): readonly Job[] => {
    const jobs = waiting;
    waiting = [];
    isScheduled = false;
    return jobs;
  };

  function flush(): void {
    const jobs = takeWaiting();
    if (jobs.length > 0) transact(jobs, true);
  }

  return {
    finish() {
      const jobs = takeWaiting();
      if (jobs.length > 0) transact(jobs, false);
    },
    write: <Value>(run: () => Value) =>
      new Promise<Value>((resolve, reject) => {
        if (!isScheduled) setImmediate(flush);
        isScheduled = true;
        waiting.push({ run, resolve: resolve as (value: unknown) => void, reject });
      }),
  };
}
