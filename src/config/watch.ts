import { readdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Result } from "../kernel/index.ts";
import type { Environment } from "./expand.ts";
import { loadConfig } from "./load.ts";
import type { Config } from "./schema.ts";
import type { ConfigFault } from "./source.ts";

/** Looks whether a configuration changed on disk. */
export interface ConfigWatch {
  /** The configuration when one of its files changed since the last look, or what is wrong with it; otherwise `undefined`. */
  readonly poll: () => Result<Config, readonly ConfigFault[]> | undefined;
}

/** Watches the file itself and everything `oidc.clients_from` names, by size and time. */
export function watchConfig(file: string, environment: Environment, loaded: Config): ConfigWatch {
  const folder = dirname(resolve(file));
  const state = { from: loaded.oidc.clients_from };
  const signature = (): string =>
    [resolve(file), ...state.from.map((entry) => resolve(folder, entry))].flatMap(traces).join("\n");
  let known = signature();
  return {
    poll() {
      const now = signature();
      if (now === known) return undefined;
      known = now;
      const result = loadConfig(file, environment);
      if (result.ok) {
        state.from = result.value.oidc.clients_from;
        known = signature();
      }
      return result;
    },
  };
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
