import type { Unavailable } from "../backend/index.ts";
import type { Secret } from "../kernel/index.ts";
import { usedCredential } from "./credential.ts";
import { type FactorDeps, notStored, type Refusal, record, type Visit } from "./deps.ts";
import { readCredentials } from "./enrolled.ts";
import type { EnrolmentCodes } from "./enrolment-codes.ts";
import { ownerKey } from "./owner.ts";
import { readCode, readTotpKey, stepOf } from "./totp.ts";
import { verifyAssertion } from "./webauthn.ts";
import { readAnswer } from "./webauthn-answer.ts";

/** What an attempt to prove a factor led to. */
export type ProofOutcome =
  | {
      readonly code: "proven";
      /** A key that may exist on several devices. */
      readonly multiDevice?: boolean;
      /** Recovery codes left. */
      readonly left?: number;
    }
  | { readonly code: "refused"; readonly why: Refusal }
  | { readonly code: "throttled"; readonly retryAfterMs: number }
  /** The backend keeps the person out of the application behind the step. */
  | { readonly code: "denied" }
  | Unavailable;

type Unthrottled = Exclude<ProofOutcome, { code: "throttled" }>;

export interface Proving {
  totp(visit: Visit, typed: string): Promise<ProofOutcome>;
  recovery(visit: Visit, typed: string): Promise<ProofOutcome>;
  /** A key of this person. @param binding what its challenge was issued for. */
  key(visit: Visit, posted: KeyAnswer): Promise<ProofOutcome>;
  /** The code an administrator handed out. */
  enrolmentCode(visit: Visit, typed: string): Promise<ProofOutcome>;
  /** A passkey that leads to nobody: refused, and counted by where it came from. */
  nobody(context: Visit["context"]): Promise<Exclude<ProofOutcome, { code: "proven" }>>;
}

export interface KeyAnswer {
  readonly answer: string;
  readonly binding: string;
  readonly userVerification: "required" | "preferred";
}

/** Milliseconds a used recovery code is remembered: should a crash leave it in the list, it still is good for nothing. */
const REMEMBER_CODE = 3_650 * 86_400_000;

/** Checks of second factors: each attempt is counted before it is judged, and each success is good once over all instances. */
export function createProving(deps: FactorDeps, codes: EnrolmentCodes): Proving {
  const guarded = async (visit: Visit, factor: string, work: () => Promise<Unthrottled>): Promise<ProofOutcome> => {
    const subject = { account: visit.owner.name, address: visit.context.client_ip, device: visit.device };
    const counted = await deps.throttle.attempt(subject);
    if (!counted.allowed) {
      record(deps.audit, visit, "factor_throttled", { factor });
      return { code: "throttled", retryAfterMs: counted.retryAfterMs };
    }
    const outcome = await work();
    if (outcome.code === "unavailable" || outcome.code === "denied") await counted.released();
    else if (outcome.code === "refused") {
      record(deps.audit, visit, "factor_refused", { factor, reason: outcome.why });
      await counted.failed();
    }
    // Not waited for: the proof is spent by now, a counter that is reset a moment later harms nobody, and the write shares the flush of what follows.
    else
      counted
        .succeeded()
        .catch((cause: unknown) => deps.logger.warn("A throttle counter could not be reset.", { cause }));
    return outcome;
  };
  return {
    totp: (visit, typed) => guarded(visit, "totp", () => proveTotp(deps, visit, typed)),
    recovery: (visit, typed) => guarded(visit, "recovery", () => proveRecovery(deps, visit, typed)),
    key: (visit, posted) => guarded(visit, "webauthn", () => proveKey(deps, visit, posted)),
    enrolmentCode: (visit, typed) =>
      guarded(visit, "enrolment_code", async () => {
        if (!(await codes.matches(visit.owner, typed))) return { code: "refused", why: "code.wrong" };
        record(deps.audit, visit, "enrolment_code_used");
        return { code: "proven" };
      }),
    async nobody(context) {
      const { client_ip: address } = context;
      const counted = await deps.throttle.attempt({ account: `passkey ${address}`, address });
      if (!counted.allowed) return { code: "throttled", retryAfterMs: counted.retryAfterMs };
      await counted.failed();
      return { code: "refused", why: "key.unknown" };
    },
  };
}

async function proveTotp(deps: FactorDeps, { owner, context }: Visit, typed: string): Promise<Unthrottled> {
  const found = await deps.backend.lookup(owner.name, context, owner.backend);
  if (found.code !== "found") return found.code === "unavailable" ? found : { code: "denied" };
  const { totp_secret: secret } = found.account;
  const key = secret === undefined ? undefined : readTotpKey(secret);
  const code = readCode(typed);
  const step =
    key === undefined || code === undefined ? undefined : stepOf(code, key, { now: deps.clock.now(), ...deps.totp });
  if (key === undefined || step === undefined) return { code: "refused", why: "totp.wrong" };
  return (await spendStep(deps, { owner, secret: key.secret, step, period: key.period }))
    ? { code: "proven" }
    : { code: "refused", why: "totp.used" };
}

/** A code is good once (RFC 6238 section 5.2), whoever asks first, wherever and whenever within its window. */
export function spendStep(
  { store, totp }: Pick<FactorDeps, "store" | "totp">,
  used: { readonly owner: Visit["owner"]; readonly secret: Secret; readonly step: number; readonly period: number },
): Promise<boolean> {
  const until = (used.step + totp.window + 2) * used.period * 1000;
  return store.consumeOnce("factor.totp", ownerKey(used.owner, used.secret.expose(), String(used.step)), until);
}

/**
 * The code is marked first, then the list without it replaces the stored one (the contract has no single removal). A crash in between
 * leaves the old list, in which the marked code is good for nothing.
 */
async function proveRecovery(deps: FactorDeps, visit: Visit, typed: string): Promise<Unthrottled> {
  const { owner, context } = visit;
  const work = async (): Promise<Unthrottled> => {
    const found = await deps.backend.lookup(owner.name, context, owner.backend);
    if (found.code !== "found") return found.code === "unavailable" ? found : { code: "denied" };
    const codes = found.account.recovery_codes;
    const match = codes.find((stored) => deps.isSameCode(owner, stored, typed));
    if (match === undefined) return { code: "refused", why: "recovery.wrong" };
    const mark = ownerKey(owner, match.expose());
    const expiresAt = deps.clock.now() + REMEMBER_CODE;
    if (!(await deps.store.create("factor.used-code", mark, {}, { expiresAt })))
      return { code: "refused", why: "recovery.wrong" };
    const left = codes.filter((stored) => stored !== match);
    const problem = await replaceCodes(deps, visit, left);
    if (problem !== undefined) {
      // Where the old list certainly stands, nothing was used. In doubt the code stays spent.
      const now = await deps.backend.lookup(owner.name, context, owner.backend);
      if (now.code === "found" && now.account.recovery_codes.length === codes.length)
        await deps.store.delete("factor.used-code", mark);
      return problem;
    }
    record(deps.audit, visit, "recovery_code_used", { reason: `${left.length} left` });
    return { code: "proven", left: left.length };
  };
  return (await deps.lock.run(ownerKey(owner), work)) ?? { code: "unavailable", reason: "another change is under way" };
}

/** Writes the whole list and reads it back. `undefined`: it is stored. */
export async function replaceCodes(
  deps: FactorDeps,
  { owner, context }: Pick<Visit, "owner" | "context">,
  codes: readonly Secret[],
): Promise<Unavailable | undefined> {
  // Scripts of both habits are served: some join the list, some expect that nothing is added when nothing is left.
  const isLast =
    codes.length === 0 && deps.backend.functions(owner.backend).has("nauthilus_backend_delete_totp_recovery_codes");
  const written = isLast
    ? await deps.backend.deleteRecoveryCodes(owner, context)
    : await deps.backend.addRecoveryCodes(owner, codes, context);
  deps.changed(owner);
  if (written.code !== "ok")
    return written.code === "unavailable"
      ? written
      : { code: "unavailable", reason: `the backend answered ${written.code}` };
  const after = await deps.backend.lookup(owner.name, context, owner.backend);
  const now = after.code === "found" ? after.account.recovery_codes : undefined;
  const isThere =
    now?.length === codes.length &&
    codes.every((code) =>
      now.some((stored) => stored.expose() === code.expose() || deps.isSameCode(owner, stored, code.expose())),
    );
  return isThere ? undefined : notStored("the list of recovery codes");
}

/** The key is looked up among the person's own (WebAuthn section 7.2 step 5); its use is written back before it counts. */
async function proveKey(deps: FactorDeps, visit: Visit, posted: KeyAnswer): Promise<Unthrottled> {
  const { owner, context } = visit;
  const work = async (): Promise<Unthrottled> => {
    const stored = await readCredentials(deps.backend, owner, context);
    if ("code" in stored) return stored;
    const answer = readAnswer(posted.answer, "signature");
    if (!answer.ok) return refuseKey(deps, visit, "key.failed", answer.problem);
    const credential = stored.credentials.find(({ id }) => id === answer.value.id);
    if (credential === undefined) return refuseKey(deps, visit, "key.unknown", "the person has no such credential");
    const { userHandle } = answer.value;
    if (userHandle !== undefined && !deps.handles.isHandleOf(owner, userHandle))
      return refuseKey(deps, visit, "key.unknown", "the user handle is another person's");
    const verified = await verifyAssertion({ ...deps, binding: posted.binding }, credential, posted);
    if (!verified.ok) return refuseKey(deps, visit, "key.failed", verified.problem);
    if (verified.value.cloneWarning) {
      record(deps.audit, visit, "key_clone_suspected", { factor: "webauthn", reason: credential.name });
      if (deps.clones === "refuse") return { code: "refused", why: "key.counter" };
    }
    const after = usedCredential(credential.raw, verified.value, deps.clock);
    return (
      (await writeBack(deps, visit, credential.raw, after)) ?? {
        code: "proven",
        multiDevice: verified.value.multiDevice,
      }
    );
  };
  return (await deps.lock.run(ownerKey(owner), work)) ?? { code: "unavailable", reason: "another change is under way" };
}

/** Replaces one stored string by another and reads it back. `undefined`: it is stored. */
export async function writeBack(
  deps: FactorDeps,
  { owner, context }: Pick<Visit, "owner" | "context">,
  before: string,
  after: string,
): Promise<Unavailable | undefined> {
  const written = await deps.backend.updateWebauthnCredential(owner, before, after, context);
  if (written.code !== "ok")
    return written.code === "unavailable"
      ? written
      : { code: "unavailable", reason: `the backend answered ${written.code}` };
  const now = await readCredentials(deps.backend, owner, context);
  if ("code" in now) return now;
  return now.credentials.some(({ raw }) => raw === after) ? undefined : notStored("the credential");
}

function refuseKey(deps: FactorDeps, { owner, context }: Visit, why: Refusal, because: string): Unthrottled {
  deps.logger.info("A security key was refused.", { account: owner.name, reference: context.session, because });
  return { code: "refused", why };
}
