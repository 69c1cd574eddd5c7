import { readSamlKeys, type SamlKey } from "../keys/index.ts";
import type { Saml } from "../saml/index.ts";
import type { Store } from "../store/index.ts";
import type { Logger } from "../telemetry/index.ts";

/** Takes over SAML certificates that a command or another process added, activated or removed. */
export function createSamlKeyRefresh(deps: {
  readonly store: Store;
  readonly saml: Pick<Saml, "renew"> | undefined;
  readonly logger: Logger;
  /** The keys in use. */
  readonly keys: readonly SamlKey[];
}): { turn(): Promise<void> } {
  const { store, saml, logger } = deps;
  let used = namesOf(deps.keys);
  return {
    async turn() {
      if (saml === undefined) return;
      const keys = await readSamlKeys(store);
      if (keys.length === 0 || namesOf(keys) === used) return;
      saml.renew(keys);
      used = namesOf(keys);
      logger.info("The SAML certificates changed.", { certificates: keys.length });
    },
  };
}

const namesOf = (keys: readonly SamlKey[]): string => keys.map(({ certificate }) => certificate).join("\n");
