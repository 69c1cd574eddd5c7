import { isDeepStrictEqual } from "node:util";
import { type Config, type ConfigFault, formatFaults } from "../config/index.ts";
import { type Result, Secret } from "../kernel/index.ts";
import type { Logger } from "../telemetry/index.ts";

/** Takes over what changed in the configuration of a running provider, and keeps the last good one. */
export interface LiveConfig {
  turn(): Promise<void>;
  /** The file on disk is not what is in use: it has faults, or a part of it needs a restart. */
  readonly isStale: () => boolean;
}

/** A part of the configuration that can be taken over while the provider runs. */
export interface LivePart {
  /** As the log names it. */
  readonly name: string;
  readonly pick: (config: Config) => unknown;
  readonly apply: (config: Config) => Promise<void> | void;
}

export interface LiveConfigDeps {
  /** What is on disk, when it changed. */
  readonly poll: () => Result<Config, readonly ConfigFault[]> | undefined;
  readonly config: Config;
  readonly parts: readonly LivePart[];
  readonly logger: Logger;
}

/** The live parts take effect at once; everything else is told to need a restart. */
export function createLiveConfig({ poll, config, parts, logger }: LiveConfigDeps): LiveConfig {
  const state: { isStale: boolean; waiting: Config | undefined } = { isStale: false, waiting: undefined };
  const used = new Map(parts.map((part) => [part, part.pick(config)]));
  const take = async (next: Config): Promise<void> => {
    for (const part of parts) {
      const wanted = part.pick(next);
      if (isSame(wanted, used.get(part))) continue;
      await part.apply(next);
      used.set(part, wanted);
      logger.info(`The ${part.name} were read again.`, {});
    }
    state.isStale = !isSame(fixed(next), fixed(config));
    if (state.isStale)
      logger.warn("The configuration changed in more than its applications; restart to use the rest.", {});
  };
  return {
    isStale: () => state.isStale,
    async turn() {
      const found = poll();
      if (found?.ok === false) {
        state.isStale = true;
        // What waited is no longer what stands on disk.
        state.waiting = undefined;
        const faults = formatFaults(found.problem);
        logger.error("The configuration has faults; the last good one stays in use.", { faults });
        return;
      }
      // What could not be taken over (a store that failed) is tried again.
      const next = found?.value ?? state.waiting;
      if (next === undefined) return;
      state.waiting = next;
      await take(next);
      state.waiting = undefined;
    },
  };
}

/** What only a restart can change. */
function fixed(config: Config): unknown {
  const { oidc, saml } = config;
  return {
    ...config,
    oidc: { ...oidc, clients: [], clients_from: [] },
    saml: saml === undefined ? undefined : { ...saml, service_providers: [] },
  };
}

const isSame = (one: unknown, other: unknown): boolean => isDeepStrictEqual(exposed(one), exposed(other));

/** With what its secrets hold: two `Secret`s look the same from outside. */
function exposed(value: unknown): unknown {
  if (value instanceof Secret) return { secret: value.expose() };
  if (Array.isArray(value)) return value.map(exposed);
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inside]) => [key, exposed(inside)]));
}
