import type { Config } from "../config/index.ts";
import type { Sealer } from "../factors/index.ts";
import type { World } from "../kernel/index.ts";
import { type KeyRing, openKeyRing } from "../keys/index.ts";
import { createHostServices, type LuaBackends, startLuaBackends } from "../lua/index.ts";
import { withOauthErrors } from "../oidc/index.ts";
import { openStore, type Store } from "../store/index.ts";
import type { Logger, Metrics } from "../telemetry/index.ts";
import { openSealer } from "./factors.ts";

/** What is opened before the parts are put together, and closed after them. */
export interface Resources {
  readonly store: Store;
  readonly keys: KeyRing;
  readonly sealer: Sealer | undefined;
  readonly lua: LuaBackends;
  readonly close: () => Promise<void>;
}

export interface ResourcesInput {
  readonly config: Config;
  readonly world: World;
  readonly logger: Logger;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly metrics: Metrics;
  /** Default: the one the configuration names. */
  readonly store?: Store;
}

/** Opens all of them, or none. @throws LuaScriptError, SealingKeyError, IdpError STORE_UNAVAILABLE */
export async function openResources(input: ResourcesInput): Promise<Resources> {
  const { config, world, logger, environment, metrics } = input;
  const store = withOauthErrors(input.store ?? (await openStore(config.store, world)));
  try {
    const saml = config.saml === undefined ? undefined : new URL(config.issuer).hostname;
    const keys = await openKeyRing({ store, world, saml });
    const sealer = await openSealer(config, store, world);
    const services = createHostServices({ world, metrics: metrics.scripts });
    const runtime = { services, logger, metrics: metrics.lua, clock: world.clock, environment };
    const lua = await startLuaBackends({ ...config.lua, ...runtime });
    const close = async (): Promise<void> => {
      await lua.close();
      await store.close();
    };
    return { store, keys, sealer, lua, close };
  } catch (error) {
    await store.close();
    throw error;
  }
}
