import { isDeepStrictEqual } from "node:util";
import { type Config, type ConfigFault, formatFaults } from "../config/index.ts";
import { type Result, Secret } from "../kernel/index.ts";
import { createClaimRules, type Oidc, type OidcClients } from "../oidc/index.ts";
import type { Logger } from "../telemetry/index.ts";

/** Takes over what changed in the configuration of a running provider, and keeps the last good one. */
export interface LiveConfig {
  turn(): Promise<void>;
  /** The file on disk is not what is in use: it has faults, or a part of it needs a restart. */
  readonly isStale: () => boolean;
}

export interface LiveConfigDeps {
  /** What is on disk, when it changed. */
  readonly poll: () => Result<Config, readonly ConfigFault[]> | undefined;
  readonly config: Config;
  readonly clients: OidcClients;
  readonly oidc: Oidc;
  readonly logger: Logger;
}

/** Applications take effect at once; everything else is told to need a restart. */
export function createLiveConfig({ poll, config, clients, oidc, logger }: LiveConfigDeps): LiveConfig {
  const state = { clients: config.oidc.clients, isStale: false };
  return {
    isStale: () => state.isStale,
    async turn() {
      const found = poll();
      if (found === undefined) return;
      if (!found.ok) {
        state.isStale = true;
        const faults = formatFaults(found.problem);
        logger.error("The configuration has faults; the last good one stays in use.", { faults });
        return;
      }
      const next = found.value;
      if (!isSame(next.oidc.clients, state.clients)) {
        clients.replace(next.oidc.clients);
        oidc.renew({ claims: createClaimRules(config.oidc, clients.allClaims()) });
        state.clients = next.oidc.clients;
        logger.info("The OpenID Connect clients were read again.", { clients: state.clients.length });
      }
      state.isStale = !isSame(withoutClients(next), withoutClients(config));
      if (state.isStale)
        logger.warn("The configuration changed in more than its OpenID Connect clients; restart to use the rest.", {});
    },
  };
}

function withoutClients(config: Config): unknown {
  return { ...config, oidc: { ...config.oidc, clients: [], clients_from: [] } };
}

const isSame = (one: unknown, other: unknown): boolean => isDeepStrictEqual(exposed(one), exposed(other));

/** With what its secrets hold: two `Secret`s look the same from outside. */
function exposed(value: unknown): unknown {
  if (value instanceof Secret) return { secret: value.expose() };
  if (Array.isArray(value)) return value.map(exposed);
  if (value === null || typeof value !== "object" || Object.getPrototypeOf(value) !== Object.prototype) return value;
  return Object.fromEntries(Object.entries(value).map(([key, inside]) => [key, exposed(inside)]));
}
