import type { Generation, GenerationDeps } from "./generation.ts";
import { type Sources, watchSources } from "./sources.ts";
import { LuaScriptError } from "./thread.ts";

/** The versions of a backend's files: the one in use, and those whose last calls still run. */
export interface Versions {
  current(): Generation;
  cancel(call: Parameters<Generation["cancel"]>[0]): void;
  /** Looks for edited files. New calls go to a new version once it has loaded; a broken one changes nothing. */
  refresh(): Promise<void>;
  /** What is on disk cannot be used. */
  isStale(): boolean;
  close(): Promise<void>;
}

export interface VersionsDeps extends Pick<GenerationDeps, "options" | "logger" | "clock"> {
  /** Fills the map with what it read, also when it fails. @throws LuaScriptError */
  readonly start: (sources: Map<string, string | null>) => Promise<Generation>;
  /** Another version is in use. */
  readonly changed: () => void;
}

/** Milliseconds after which what failed is tried again although no file changed: an init script may have missed its database. */
const AGAIN = 60_000;

/** Starts the first version. @throws LuaScriptError when the script cannot be loaded. */
export async function startVersions({ options, logger, clock, start, changed }: VersionsDeps): Promise<Versions> {
  const about = { backend: options.name, script: options.script };
  const disk = watchSources();
  let sources = new Map<string, string | null>();
  let current = await start(sources);
  const running = new Set([current]);
  // What was found wanting, and when.
  let refused: { readonly sources: Sources; readonly at: number } | undefined;
  let isBusy = false;

  const take = (next: Generation, read: Map<string, string | null>): void => {
    const former = current;
    [current, sources, refused] = [next, read, undefined];
    running.add(next);
    void former.retire().then(() => running.delete(former));
    changed();
    logger.info("A script that changed is in use.", { ...about, functions: next.functions.length });
  };
  const tryNext = async (): Promise<void> => {
    const read = new Map<string, string | null>();
    try {
      const next = await start(read);
      const lost = lostSignIn(current, next);
      if (lost === undefined && running.size > 0) return take(next, read);
      await next.close();
      if (lost !== undefined) throw new LuaScriptError(`${options.script}: ${lost}`);
    } catch (error) {
      if (!(error instanceof LuaScriptError)) throw error;
      refused = { sources: new Map([...disk.now(sources.keys()), ...read]), at: clock.monotonic() };
      const reason = error.message;
      logger.error("A script that changed cannot be used; the last good one stays in use.", { ...about, reason });
    }
  };
  const isDue = (): boolean => {
    if (refused === undefined) return !disk.isSame(sources);
    return !disk.isSame(refused.sources) || clock.monotonic() - refused.at > AGAIN;
  };

  return {
    current: () => current,
    cancel(call) {
      for (const generation of running) generation.cancel(call);
    },
    async refresh() {
      if (isBusy || !isDue()) return;
      if (refused !== undefined && disk.isSame(sources)) {
        refused = undefined;
        return logger.info("The script on disk is the one in use again.", about);
      }
      isBusy = true;
      try {
        await tryNext();
      } finally {
        isBusy = false;
      }
    },
    isStale: () => refused !== undefined,
    async close() {
      const all = [...running];
      running.clear();
      await Promise.all(all.map((generation) => generation.close()));
    },
  };
}

/** A file that is just being written may be empty for a moment: a script that lost its sign-in is not taken for a change. */
function lostSignIn(former: Generation, next: Generation): string | undefined {
  const fn = "nauthilus_backend_verify_password";
  return former.functions.includes(fn) && !next.functions.includes(fn) ? `${fn} is not defined any more` : undefined;
}
