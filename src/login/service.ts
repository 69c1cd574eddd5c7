import type { CallContext } from "../backend/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { AuditLog } from "../telemetry/index.ts";
import type { Answer, Fields } from "./answers.ts";
import { readAnswer } from "./answers.ts";
import type { Attempt, Attempts } from "./attempts.ts";
import type { ConnectionFacts } from "./facts.ts";
import { advance, type LoginEvent, type LoginState } from "./flow.ts";
import type { SignInRequest } from "./gate.ts";
import type { PasswordStep } from "./password-step.ts";

/** What became of one posted form. */
export type StepResult =
  /** The attempt went on; its new state decides the next page. */
  | { readonly kind: "moved"; readonly attempt: Attempt }
  /** Another answer to the same form was faster, or the form does not fit: show where the attempt really is. */
  | { readonly kind: "stale" }
  | { readonly kind: "throttled"; readonly retryAfterMs: number; readonly username: string }
  | { readonly kind: "unavailable"; readonly username: string };

export interface LoginService {
  open(request: SignInRequest): Promise<Attempt>;
  /** Answers one form. Two posts of the same form lead to one backend call and one result. */
  answer(request: SignInRequest, attempt: Attempt, fields: Fields, facts: ConnectionFacts): Promise<StepResult>;
  /** The running answer to a form that was already used, if it still runs here. */
  running(request: SignInRequest, step: number): Promise<StepResult> | undefined;
}

export interface LoginServiceDeps {
  readonly attempts: Attempts;
  readonly password: PasswordStep;
  readonly audit: AuditLog;
  readonly clock: Clock;
}

export function createLoginService({ attempts, password, audit, clock }: LoginServiceDeps): LoginService {
  const inFlight = new Map<string, Promise<StepResult>>();

  const move = async (attempt: Attempt, state: LoginState, failure?: Attempt["failure"]): Promise<StepResult> => {
    const moved = await attempts.move(attempt, state, failure);
    return moved === undefined ? { kind: "stale" } : { kind: "moved", attempt: moved };
  };

  const step = async (attempt: Attempt, event: LoginEvent): Promise<StepResult> => {
    const next = advance(attempt.state, event);
    return next === undefined ? { kind: "stale" } : move(attempt, next);
  };

  const checkPassword = async (job: Job, typed: Extract<Answer, { kind: "password" }>): Promise<StepResult> => {
    const { attempt, context } = job;
    const result = await password.check({ username: typed.username, password: typed.password, context });
    switch (result.code) {
      case "accepted": {
        const authTime = Math.floor(clock.now() / 1000);
        const moved = await step(attempt, {
          kind: "password_accepted",
          account: result.identity,
          authTime,
          remember: typed.remember,
        });
        if (moved.kind === "moved") {
          audit.record({
            event: "sign_in",
            account: result.identity.name,
            client_id: context.oidc_cid,
            saml_entity_id: context.saml_entity_id,
            address: context.client_ip,
            amr: ["pwd"],
            reference: context.session,
          });
        }
        return moved;
      }
      case "rejected":
        return move(attempt, attempt.state, {
          username: typed.username,
          remember: typed.remember,
          message: result.message,
        });
      case "throttled":
        return { kind: "throttled", retryAfterMs: result.retryAfterMs, username: typed.username };
      case "unavailable":
        return { kind: "unavailable", username: typed.username };
      default:
        return result satisfies never;
    }
  };

  const run = async (job: Job, fields: Fields): Promise<StepResult> => {
    const { attempt, context } = job;
    const answer = readAnswer(attempt.state, fields);
    if (answer.kind === "nonsense") return { kind: "stale" };
    if (answer.kind === "password") return checkPassword(job, answer);
    const result = await step(attempt, answer.event);
    if (result.kind === "moved") auditDecision(audit, attempt.state, answer.event, context);
    return result;
  };

  return {
    open: (request) => attempts.open(request),
    running: (request, stepNumber) => inFlight.get(`${request.id}:${stepNumber}`),
    answer(request, attempt, fields, facts) {
      const key = `${request.id}:${attempt.step}`;
      const already = inFlight.get(key);
      if (already !== undefined) return already;
      const context: CallContext = { ...facts, ...request.application, grant_type: "" };
      const result = run({ attempt, context }, fields).finally(() => inFlight.delete(key));
      inFlight.set(key, result);
      return result;
    },
  };
}

interface Job {
  readonly attempt: Attempt;
  readonly context: CallContext;
}

function auditDecision(audit: AuditLog, state: LoginState, event: LoginEvent, context: CallContext): void {
  const account = state.at === "consent" || state.at === "refused" ? state.account.name : undefined;
  const about = {
    ...(account === undefined ? {} : { account }),
    client_id: context.oidc_cid,
    saml_entity_id: context.saml_entity_id,
    address: context.client_ip,
    reference: context.session,
  };
  if (event.kind === "consent")
    audit.record({ event: event.decision === "allow" ? "consent_granted" : "consent_denied", ...about });
  if (event.kind === "back") audit.record({ event: "application_refused", ...about });
}
