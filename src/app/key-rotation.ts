import type { Config } from "../config/index.ts";
import type { World } from "../kernel/index.ts";
import { createSigningKeys, jwksOf, type SigningKey } from "../keys/index.ts";
import type { Oidc } from "../oidc/index.ts";
import type { Store } from "../store/index.ts";
import type { Logger } from "../telemetry/index.ts";

/** Moves signing keys on when their time has come, and takes over what commands and other instances changed. */
export function createKeyRotation(deps: {
  readonly store: Store;
  readonly world: World;
  readonly oidc: Oidc;
  readonly policy: Config["oidc"]["keys"];
  readonly logger: Logger;
  /** The keys in use. */
  readonly jwks: { readonly keys: readonly { readonly kid?: string | undefined }[] };
}): { turn(): Promise<void> } {
  const { store, world, oidc, policy, logger } = deps;
  const signing = createSigningKeys({ store, world });
  let used = deps.jwks.keys.map(({ kid }) => kid).join(" ");
  return {
    async turn() {
      const keys = await signing.advance({ ...policy, rotate: policy.rotate });
      const jwks = jwksOf(keys);
      const wanted = jwks.keys.map(({ kid }) => kid).join(" ");
      if (wanted === used) return;
      oidc.renew({ jwks: { keys: [...jwks.keys] } });
      used = wanted;
      logger.info("The signing keys changed.", { keys: keys.map(describe) });
    },
  };
}

function describe({ jwk, alg, state }: SigningKey): string {
  return `${alg} ${jwk.kid ?? ""} ${state}`;
}
