import { readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Result } from "../kernel/index.ts";
import type { Environment } from "./expand.ts";
import { readConfig } from "./load.ts";
import type { Config } from "./schema.ts";
import type { ConfigFault } from "./source.ts";

/** Looks whether a configuration changed on disk. */
export interface ConfigWatch {
  /** What was read at the beginning. */
  readonly first: Result<Config, readonly ConfigFault[]>;
  /** The configuration when one of its files changed since the last look, or what is wrong with it; otherwise `undefined`. */
  readonly poll: () => Result<Config, readonly ConfigFault[]> | undefined;
}

/** Watches, by size and time, the file itself, the secret files it names, and everything `oidc.clients_from` names. */
export function watchConfig(file: string, environment: Environment): ConfigWatch {
  const path = resolve(file);
  const state = { watched: [path] as readonly string[], known: "" };
  const signature = (): string => state.watched.flatMap(traces).join("\n");
  const read = (): Result<Config, readonly ConfigFault[]> => {
    const before = signature();
    const { result, files } = readConfig(path, environment);
    const from = result.ok ? result.value.oidc.clients_from.map((entry) => resolve(dirname(path), entry)) : [];
    // One with faults may name fewer files; those of the last good one are still waited for.
    const watched = [...new Set([...(result.ok ? [] : state.watched), ...files, ...from])];
    const isSame = watched.join("\n") === state.watched.join("\n");
    state.watched = watched;
    // Of files known before, a change while they were read shows at the next look.
    state.known = isSame ? before : signature();
    return result;
  };
  return { first: read(), poll: () => (signature() === state.known ? undefined : read()) };
}

/** A file with its size and time; for a folder those of everything in it. */
function traces(path: string): readonly string[] {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return [`${path} -`];
  if (!found.isDirectory()) return [`${path} ${found.size} ${found.mtimeMs}`];
  return readdirSync(path)
    .toSorted()
    .flatMap((name) => {
      const inside = statSync(join(path, name), { throwIfNoEntry: false });
      return inside?.isFile() === true ? [`${join(path, name)} ${inside.size} ${inside.mtimeMs}`] : [];
    });
}
