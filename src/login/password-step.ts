import type { Account, AccountBackend, CallContext } from "../backend/index.ts";
import type { Clock, Secret } from "../kernel/index.ts";
import type { AuditLog, Logger } from "../telemetry/index.ts";
import type { AllowedAttempt, AttemptSubject, Throttle } from "../throttle/index.ts";
import type { FailureFloor } from "./failure-floor.ts";
import type { Identities } from "./identities.ts";
import { type AccountIdentity, identityOf } from "./identity.ts";

/** What a typed user name and password led to. A wrong password, an unknown user and a refusal are one outcome on purpose. */
export type PasswordResult =
  | { readonly code: "accepted"; readonly identity: AccountIdentity; readonly account: Account }
  | { readonly code: "rejected"; readonly message: string | undefined }
  | { readonly code: "throttled"; readonly retryAfterMs: number }
  | { readonly code: "unavailable"; readonly reason: string };

export interface PasswordAttempt {
  readonly username: string;
  readonly password: Secret;
  readonly context: CallContext;
  /** The browser, where this name signed in with it before. */
  readonly device: string | undefined;
}

export interface PasswordStep {
  /** Checks a password: throttle first, then the backend; failures take at least as long as the floor says. */
  check(attempt: PasswordAttempt): Promise<PasswordResult>;
}

export interface PasswordStepDeps {
  readonly backend: AccountBackend;
  readonly throttle: Throttle;
  readonly identities: Identities;
  readonly floor: FailureFloor;
  readonly audit: AuditLog;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly showBackendMessage: boolean;
}

/** User names longer than this, empty ones and ones with control characters never reach a script. */
const USERNAME_LIMIT = 256;
const PASSWORD_LIMIT = 1024;

/** A check that the throttle let through. */
interface Check {
  readonly attempt: PasswordAttempt;
  readonly counted: AllowedAttempt;
  /** Monotonic milliseconds. */
  readonly startedAt: number;
}

export function createPasswordStep(deps: PasswordStepDeps): PasswordStep {
  const { backend, throttle, identities, floor, audit, logger, clock, showBackendMessage } = deps;

  const refuse = async (
    { attempt, counted, startedAt }: Check,
    reason: string,
    message?: string,
  ): Promise<PasswordResult> => {
    const { username, context } = attempt;
    audit.record({
      event: "sign_in_refused",
      ...(isNobody(reason) ? { typed: username } : { username }),
      client_id: context.oidc_cid,
      saml_entity_id: context.saml_entity_id,
      address: context.client_ip,
      reason,
      reference: context.session,
    });
    await counted.failed();
    await floor.pad(startedAt);
    return { code: "rejected", message: showBackendMessage ? message : undefined };
  };

  const ask = async (check: Check): Promise<PasswordResult> => {
    const { attempt, counted } = check;
    const answer = await backend.verifyPassword(attempt.username, attempt.password, attempt.context);
    switch (answer.code) {
      case "unavailable":
        await counted.released();
        return answer;
      case "rejected":
        // Only a refusal may speak: a text for a wrong password or an unknown name would tell the two apart.
        return refuse(check, answer.because, answer.because === "denied" ? answer.message : undefined);
      case "accepted": {
        const identity = identityOf(answer.account);
        if (!(await identities.remember(identity))) return refuse(check, "subject_collision");
        // Not waited for: a counter that is reset a moment later harms nobody, and the write shares the flush of what follows.
        counted.succeeded().catch((cause: unknown) => logger.warn("A throttle counter could not be reset.", { cause }));
        return { code: "accepted", identity, account: answer.account };
      }
      default:
        return answer satisfies never;
    }
  };

  return {
    async check(attempt) {
      const startedAt = clock.monotonic();
      const { username, context } = attempt;
      const counted = await throttle.attempt(subjectOf(attempt));
      if (!counted.allowed) {
        audit.record({
          event: "throttled",
          typed: username,
          client_id: context.oidc_cid,
          saml_entity_id: context.saml_entity_id,
          address: context.client_ip,
          reference: context.session,
        });
        return { code: "throttled", retryAfterMs: counted.retryAfterMs };
      }
      const check: Check = { attempt, counted, startedAt };
      return isPlausible(attempt) ? ask(check) : refuse(check, "implausible_input");
    },
  };
}

function subjectOf({ username, context, device }: PasswordAttempt): AttemptSubject {
  return { account: username, address: context.client_ip, device };
}

/** Reasons that say nothing of an account. */
function isNobody(reason: string): boolean {
  return reason === "not_found" || reason === "implausible_input";
}

function isPlausible({ username, password }: PasswordAttempt): boolean {
  const secret = password.expose();
  if (username === "" || username.length > USERNAME_LIMIT || /\p{Cc}/u.test(username) || !username.isWellFormed())
    return false;
  return secret !== "" && secret.length <= PASSWORD_LIMIT && !secret.includes("\0") && secret.isWellFormed();
}
