import type { DatabaseSync } from "node:sqlite";
import { IdpError } from "../kernel/index.ts";

interface Job {
  readonly run: () => unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Runs writes in one transaction per turn of the event loop, so that many of them share one flush to disk. */
export interface Writer {
  /** Resolves with what `run` returned once the transaction it was part of is committed. */
  write<Value>(run: () => Value): Promise<Value>;
  /** Commits what waits. */
  flush(): void;
}

export function createWriter(database: DatabaseSync): Writer {
  let waiting: Job[] = [];

  const flush = (): void => {
    const jobs = waiting;
    waiting = [];
    if (jobs.length === 0) return;
    try {
      database.exec("BEGIN IMMEDIATE");
      const results = jobs.map((job) => job.run());
      database.exec("COMMIT");
      jobs.forEach((job, position) => job.resolve(results[position]));
    } catch (cause) {
      if (database.isOpen && database.isTransaction) database.exec("ROLLBACK");
      const error = unavailable(cause);
      for (const job of jobs) job.reject(error);
    }
  };

  return {
    flush,
    write: <Value>(run: () => Value) =>
      new Promise<Value>((resolve, reject) => {
        if (waiting.length === 0) setImmediate(flush);
        waiting.push({ run, resolve: resolve as (value: unknown) => void, reject });
      }),
  };
}

/** What SQLite said, as the error every store failure is; the text names no values. */
export function unavailable(cause: unknown): IdpError {
  const code =
    cause instanceof Error && "errstr" in cause && typeof cause.errstr === "string" ? cause.errstr : "unknown";
  return new IdpError("STORE_UNAVAILABLE", { sqlite: code }, { cause });
}
