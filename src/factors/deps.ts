import type { AccountBackend, CallContext, Unavailable } from "../backend/index.ts";
import type { Clock, Random, Secret } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import type { AuditEvent, AuditLog, Logger } from "../telemetry/index.ts";
import type { Throttle } from "../throttle/index.ts";
import type { Challenges } from "./challenges.ts";
import type { Handles } from "./handles.ts";
import type { AccountLock } from "./lock.ts";
import type { Owner } from "./owner.ts";
import type { RelyingParty } from "./webauthn.ts";

/** What every step about a factor works with. */
export interface FactorDeps {
  readonly backend: AccountBackend;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** Counts guesses at second factors, apart from those at passwords. */
  readonly throttle: Throttle;
  readonly audit: AuditLog;
  readonly logger: Logger;
  readonly challenges: Challenges;
  readonly handles: Handles;
  readonly lock: AccountLock;
  readonly party: RelyingParty;
  readonly totp: { readonly issuer: string; readonly window: number };
  /** What becomes of a key whose counter did not grow. */
  readonly clones: "refuse" | "warn";
  /** Compares a stored recovery code, which may be a hash, with a typed one. */
  readonly isSameCode: (owner: Owner, stored: Secret, typed: string) => boolean;
  /** Called after every change: what was read before is out of date. */
  readonly changed: (owner: Owner) => void;
}

/** On whose behalf and from where. */
export interface Visit {
  readonly owner: Owner;
  readonly context: CallContext;
  /** The browser, where the account signed in with it before. */
  readonly device: string | undefined;
}

/** A change that was made and read back, one that was refused with a reason for the person, or one that could not be made. */
export type ChangeOutcome<Value = object> =
  | ({ readonly code: "done" } & Value)
  | { readonly code: "refused"; readonly why: Refusal }
  | Unavailable;

/** Keys of the catalogue below `factor.`. */
export type Refusal =
  | "totp.wrong"
  | "totp.used"
  | "totp.expired"
  | "recovery.wrong"
  | "code.wrong"
  | "key.failed"
  | "key.unknown"
  | "key.counter"
  | "key.exists"
  | "codes.expired";

/** Writes an event about a person's factors with where it came from. */
export function record(
  audit: AuditLog,
  { owner, context }: Pick<Visit, "owner" | "context">,
  event: AuditEvent["event"],
  more: Pick<AuditEvent, "factor" | "reason"> = {},
): void {
  audit.record({
    event,
    account: owner.name,
    client_id: context.oidc_cid,
    saml_entity_id: context.saml_entity_id,
    address: context.client_ip,
    reference: context.session,
    ...more,
  });
}

/** A write whose trace could not be read back. */
export function notStored(what: string): Unavailable {
  return { code: "unavailable", reason: `${what} could not be read back after it was written` };
}
