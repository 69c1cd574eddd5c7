import type { Account, CallContext, Unavailable } from "../backend/index.ts";
import type { ChangeOutcome, Place, ProofOutcome } from "../factors/index.ts";
import { type Clock, IdpError } from "../kernel/index.ts";
import type { AuditLog } from "../telemetry/index.ts";
import type { Answer, Fields } from "./answers.ts";
import { readAnswer } from "./answers.ts";
import type { Attempt, Attempts, Failure } from "./attempts.ts";
import type { Devices } from "./devices.ts";
import type { Actor, FactorStep } from "./factor-step.ts";
import type { ConnectionFacts } from "./facts.ts";
import { advance, type LoginEvent, type LoginState, type Rules } from "./flow.ts";
import type { SignInRequest } from "./gate.ts";
import type { PasswordStep } from "./password-step.ts";
import type { Levels } from "./proofs.ts";

/** What became of one posted form. */
export type StepResult =
  /** The attempt went on; its new state decides the next page. */
  | { readonly kind: "moved"; readonly attempt: Attempt }
  /** Another answer to the same form was faster, or the form does not fit: show where the attempt really is. */
  | { readonly kind: "stale" }
  | { readonly kind: "throttled"; readonly retryAfterMs: number; readonly username?: string }
  | { readonly kind: "unavailable"; readonly username?: string };

/** The browser behind a form. */
export interface Browser {
  readonly facts: ConnectionFacts;
  readonly device: string | undefined;
  /** What a key made here is called when nothing tells more. */
  readonly keyName: () => string;
}

export interface LoginService {
  /** @throws IdpError BACKEND_UNAVAILABLE when the person's factors cannot be read. */
  open(request: SignInRequest, browser: Browser): Promise<Attempt>;
  /** Answers one form. Two posts of the same form lead to one backend call and one result. */
  answer(request: SignInRequest, attempt: Attempt, fields: Fields, browser: Browser): Promise<StepResult>;
  /** The running answer to a form that was already used, if it still runs here. */
  running(request: SignInRequest, step: number): Promise<StepResult> | undefined;
}

export interface LoginServiceDeps {
  readonly attempts: Attempts;
  readonly password: PasswordStep;
  readonly factor: FactorStep;
  readonly devices: Devices;
  readonly audit: AuditLog;
  readonly clock: Clock;
  readonly levels: Levels;
  /** Seconds a proof is fresh enough to add factors by it. */
  readonly freshFor: number;
}

interface Job {
  readonly request: SignInRequest;
  readonly attempt: Attempt;
  readonly context: CallContext;
  readonly browser: Browser;
  /** What the backend told about the account in this very step. */
  readonly known?: Account;
}

/** Where an attempt adds factors, and what its challenges are bound to. */
export function placeOf(request: SignInRequest, { account, context }: Pick<Actor, "account" | "context">): Place {
  return { owner: account, context, place: `attempt ${request.id}` };
}

export function bindingOf(request: SignInRequest, subject: string): string {
  return JSON.stringify(["get", request.protocol, request.id, subject]);
}

export function contextOf(request: SignInRequest, facts: ConnectionFacts): CallContext {
  return { ...facts, ...request.application, grant_type: "" };
}

export function createLoginService(deps: LoginServiceDeps): LoginService {
  const inFlight = new Map<string, Promise<StepResult>>();
  return {
    async open(request, browser) {
      const found = await deps.attempts.find(request);
      if (found !== undefined) return found;
      const context = contextOf(request, browser.facts);
      const state = await settled(deps, { request, context, browser }, request.initial);
      if (!("at" in state)) throw new IdpError("BACKEND_UNAVAILABLE", { because: state.reason });
      return { id: request.id, state, step: 0, failure: undefined, version: undefined };
    },
    running: (request, stepNumber) => inFlight.get(`${request.id}:${stepNumber}`),
    answer(request, attempt, fields, browser) {
      const key = `${request.id}:${attempt.step}`;
      const already = inFlight.get(key);
      if (already !== undefined) return already;
      const job: Job = { request, attempt, browser, context: contextOf(request, browser.facts) };
      const result = run(deps, job, readAnswer(attempt.state, fields)).finally(() => inFlight.delete(key));
      inFlight.set(key, result);
      return result;
    },
  };
}

function rulesOf({ clock, levels, freshFor }: LoginServiceDeps, { demand }: SignInRequest): Rules {
  return { demand, levels, freshFor, now: Math.floor(clock.now() / 1000) };
}

/** Reads what the person has where the state waits for it. */
async function settled(
  deps: LoginServiceDeps,
  { request, context, browser, known }: Omit<Job, "attempt">,
  state: LoginState,
): Promise<LoginState | Unavailable> {
  if (state.at !== "more") return state;
  const has = await deps.factor.summary({ account: state.account, context, device: browser.device }, known);
  if ("code" in has) return has.code === "denied" ? { at: "refused", account: state.account } : has;
  return advance(state, { kind: "factors_read", has }, rulesOf(deps, request)) ?? state;
}

async function step(deps: LoginServiceDeps, job: Job, event: LoginEvent): Promise<StepResult> {
  const { attempt, context } = job;
  const next = advance(attempt.state, event, rulesOf(deps, job.request));
  if (next === undefined) return { kind: "stale" };
  const state = await settled(deps, job, next);
  if (!("at" in state)) return { kind: "unavailable", ...typedName(event) };
  const result = await move(deps, attempt, state);
  if (result.kind === "moved") {
    auditDecision(deps.audit, attempt.state, event, context);
    auditSignIn(deps, state, context);
  }
  return result;
}

function typedName(event: LoginEvent): { username?: string } {
  return event.kind === "signed_in_by" ? { username: event.typed ?? event.account.name } : {};
}

async function move(
  { attempts }: LoginServiceDeps,
  attempt: Attempt,
  state: LoginState,
  failure?: Failure,
): Promise<StepResult> {
  const moved = await attempts.move(attempt, state, failure);
  return moved === undefined ? { kind: "stale" } : { kind: "moved", attempt: moved };
}

function run(deps: LoginServiceDeps, job: Job, answer: Answer): Promise<StepResult> {
  const { state } = job.attempt;
  switch (answer.kind) {
    case "nonsense":
      return Promise.resolve({ kind: "stale" });
    case "event":
      return step(deps, job, answer.event);
    case "password":
      return checkPassword(deps, job, answer);
    case "passkey":
      return checkPasskey(deps, job, answer);
    case "factor":
      return state.at === "prove" ? checkFactor(deps, job, state, answer) : Promise.resolve({ kind: "stale" });
    case "new_totp":
    case "new_key":
    case "codes_saved":
      return state.at === "enrol" || state.at === "codes"
        ? change(deps, job, state, answer)
        : Promise.resolve({ kind: "stale" });
    default:
      return answer satisfies never;
  }
}

async function checkPassword(
  deps: LoginServiceDeps,
  job: Job,
  { username, password, remember }: Extract<Answer, { kind: "password" }>,
): Promise<StepResult> {
  const { attempt, context, browser } = job;
  const device = await deps.devices.known(browser.device, username);
  const result = await deps.password.check({ username, password, context, device });
  switch (result.code) {
    case "accepted": {
      const at = Math.floor(deps.clock.now() / 1000);
      const proof = { method: "password", at } as const;
      const checked: Job = { ...job, known: result.account };
      return step(deps, checked, { kind: "signed_in_by", account: result.identity, proof, remember, typed: username });
    }
    case "rejected":
      return move(deps, attempt, attempt.state, { kind: "password", username, remember, message: result.message });
    case "throttled":
      return { kind: "throttled", retryAfterMs: result.retryAfterMs, username };
    case "unavailable":
      return { kind: "unavailable", username };
    default:
      return result satisfies never;
  }
}

async function checkPasskey(
  deps: LoginServiceDeps,
  job: Job,
  { answer, remember }: Extract<Answer, { kind: "passkey" }>,
): Promise<StepResult> {
  const { request, context, browser } = job;
  const binding = bindingOf(request, "");
  const result = await deps.factor.passkey({ context, device: browser.device }, { answer, binding });
  if (result.code !== "proven") return notProven(deps, job, result);
  return step(deps, job, { kind: "signed_in_by", account: result.account, proof: result.proof, remember });
}

async function checkFactor(
  deps: LoginServiceDeps,
  job: Job,
  state: Extract<LoginState, { at: "prove" }>,
  { method, typed, trust }: Extract<Answer, { kind: "factor" }>,
): Promise<StepResult> {
  const { context, browser, request } = job;
  const actor: Actor = { account: state.account, context, device: browser.device };
  const binding = bindingOf(request, state.account.subject);
  const result = await deps.factor.prove(actor, { method, typed, binding });
  if (result.code !== "proven") return notProven(deps, job, result);
  return step(deps, job, { kind: "proven", proof: result.proof, trust });
}

function notProven(
  deps: LoginServiceDeps,
  job: Job,
  result: Exclude<ProofOutcome, { code: "proven" }> | Exclude<ChangeOutcome, { code: "done" }>,
): Promise<StepResult> {
  const { attempt } = job;
  switch (result.code) {
    case "refused": {
      const misses = attempt.failure?.kind === "factor" ? attempt.failure.misses + 1 : 1;
      return move(deps, attempt, attempt.state, { kind: "factor", why: result.why, misses });
    }
    case "throttled":
      return Promise.resolve({ kind: "throttled", retryAfterMs: result.retryAfterMs });
    case "unavailable":
      return Promise.resolve({ kind: "unavailable" });
    case "denied":
      return "account" in attempt.state
        ? move(deps, attempt, { at: "refused", account: attempt.state.account })
        : Promise.resolve({ kind: "stale" });
    default:
      return result satisfies never;
  }
}

/** Adds something to the account, and goes on with it as a proof. */
async function change(
  deps: LoginServiceDeps,
  job: Job,
  state: Extract<LoginState, { at: "enrol" | "codes" }>,
  answer: Extract<Answer, { kind: "new_totp" | "new_key" | "codes_saved" }>,
): Promise<StepResult> {
  const place = placeOf(job.request, { account: state.account, context: job.context });
  const at = Math.floor(deps.clock.now() / 1000);
  if (answer.kind === "codes_saved") {
    const saved = await deps.factor.confirmCodes(place);
    return saved.code === "done" ? step(deps, job, { kind: "codes_saved" }) : notProven(deps, job, saved);
  }
  const isKey = answer.kind === "new_key";
  const made = isKey
    ? await deps.factor.addKey(place, answer.answer, job.browser.keyName())
    : await deps.factor.confirmTotp(place, answer.typed);
  if (made.code !== "done") return notProven(deps, job, made);
  return step(deps, job, { kind: "enrolled", proof: { method: isKey ? "webauthn" : "totp", at } });
}

/** Everybody who gets through is written down with what they really used. */
function auditSignIn({ audit, devices }: LoginServiceDeps, state: LoginState, context: CallContext): void {
  if (state.at !== "done" || state.outcome.kind !== "signed_in") return;
  const { account, amr, trust } = state.outcome;
  audit.record({ event: "sign_in", account: account.name, amr, ...where(context) });
  if (trust && devices.offersTrust) audit.record({ event: "device_trusted", account: account.name, ...where(context) });
}

function auditDecision(audit: AuditLog, state: LoginState, event: LoginEvent, context: CallContext): void {
  const account = state.at === "consent" || state.at === "refused" ? { account: state.account.name } : {};
  const about = { ...account, ...where(context) };
  if (event.kind === "consent")
    audit.record({ event: event.decision === "allow" ? "consent_granted" : "consent_denied", ...about });
  if (event.kind === "back" && state.at === "refused") audit.record({ event: "application_refused", ...about });
}

function where({ oidc_cid, saml_entity_id, client_ip, session }: CallContext) {
  return { client_id: oidc_cid, saml_entity_id, address: client_ip, reference: session };
}
