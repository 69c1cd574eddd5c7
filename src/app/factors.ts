import type { AccountBackend } from "../backend/index.ts";
import type { Config } from "../config/index.ts";
import {
  type Capabilities,
  checkCanary,
  createFactors,
  createSealer,
  type Factors,
  type Owner,
  type Sealer,
} from "../factors/index.ts";
import type { World } from "../kernel/index.ts";
import type { KeyRing } from "../keys/index.ts";
import type { Level, Levels } from "../login/index.ts";
import type { Store } from "../store/index.ts";
import type { AuditLog, Logger } from "../telemetry/index.ts";
import { createThrottle } from "../throttle/index.ts";

export interface ComposeFactors {
  readonly config: Pick<Config, "mfa" | "issuer" | "ui">;
  readonly backend: AccountBackend;
  readonly store: Store;
  readonly world: World;
  readonly keys: Pick<KeyRing, "handleSecret">;
  readonly audit: AuditLog;
  readonly logger: Logger;
  readonly sealer: Sealer | undefined;
  /** What was read of this account before is out of date. */
  readonly changed: (owner: Owner) => void;
}

/** Second factors as the configuration wants them. */
export function composeFactors({ config, keys, sealer, ...deps }: ComposeFactors): Factors {
  const { mfa, issuer, ui } = config;
  const { webauthn, totp } = mfa;
  return createFactors({
    ...deps,
    throttle: createThrottle({ ...deps, clock: deps.world.clock, limits: mfa.throttle, guessed: "factor" }),
    handleSecret: keys.handleSecret,
    party: {
      id: webauthn.rp_id ?? new URL(issuer).hostname,
      name: webauthn.rp_name ?? ui.product,
      origins: [issuer, ...webauthn.origins],
    },
    totp: { issuer: totp.issuer ?? ui.product, window: totp.window },
    clones: webauthn.clone,
    ...(sealer === undefined ? {} : { isSameCode: (owner, stored, typed) => sealer.isSameCode(owner, stored, typed) }),
  });
}

/** The strongest proof somebody can set up and give: a backend that lacks a function hides the feature. */
export function highestLevel(levels: Levels, can: readonly Capabilities[]): Level {
  const reached = can.flatMap(({ totp, recovery, webauthn }) => [
    ...(totp ? [levels.totp] : []),
    ...(recovery ? [levels.recovery] : []),
    ...(webauthn ? [levels.webauthn, levels.passkey] : []),
  ]);
  return Math.max(1, ...reached) as Level;
}

/** The key does not fit what is stored: nobody could use their second factor. */
export class SealingKeyError extends Error {
  override readonly name = "SealingKeyError";
}

/** The sealer of a configuration, checked against what is stored. @throws SealingKeyError */
export async function openSealer(
  { secrets }: Pick<Config, "secrets">,
  store: Store,
  { random }: World,
): Promise<Sealer | undefined> {
  const keys = [secrets.sealing_key, ...secrets.previous.map(({ sealing_key }) => sealing_key)];
  const sealer =
    secrets.sealing_key === undefined
      ? undefined
      : createSealer(
          keys.filter((key) => key !== undefined),
          random,
        );
  const answer = await checkCanary(store, sealer);
  if (answer === "wrong_key")
    throw new SealingKeyError(
      "secrets.sealing_key is not the key that sealed what is stored. Put the former key back; to change keys, list it under secrets.previous.",
    );
  if (answer === "no_key")
    throw new SealingKeyError(
      "Secrets are stored sealed, and there is no secrets.sealing_key. Put it back; to do without, run `moonlatch mfa unseal` first.",
    );
  return sealer;
}
