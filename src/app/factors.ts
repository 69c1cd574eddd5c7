import type { AccountBackend } from "../backend/index.ts";
import type { Config } from "../config/index.ts";
import { type Capabilities, createFactors, type Factors, type Owner } from "../factors/index.ts";
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
  /** What was read of this account before is out of date. */
  readonly changed: (owner: Owner) => void;
}

/** Second factors as the configuration wants them. */
export function composeFactors({ config, keys, ...deps }: ComposeFactors): Factors {
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
