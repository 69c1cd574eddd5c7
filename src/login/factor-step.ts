import type { Account, AccountBackend, AccountKey, CallContext, Unavailable } from "../backend/index.ts";
import type { ChangeOutcome, Factors, Method, Place, ProofOutcome } from "../factors/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Devices } from "./devices.ts";
import type { ProvableMethod } from "./flow.ts";
import type { Identities } from "./identities.ts";
import { type AccountIdentity, identityOf } from "./identity.ts";
import type { Summary } from "./plan.ts";
import type { Proof } from "./proofs.ts";

/** Who acts, from where, with which browser. */
export interface Actor {
  readonly account: AccountIdentity;
  readonly context: CallContext;
  /** The browser, known here or not. */
  readonly device: string | undefined;
}

export type Proven = { readonly code: "proven"; readonly proof: Proof; readonly left: number | undefined };
export type ProvenOutcome = Proven | Exclude<ProofOutcome, { code: "proven" }>;

/** The second factors of a sign-in. */
export interface FactorStep {
  /**
   * What this person has, read now. Whatever cannot be read is unavailable, never nothing.
   * @param known what the backend just told about the account.
   */
  summary(actor: Actor, known?: Account): Promise<Summary | Unavailable | { readonly code: "denied" }>;
  prove(actor: Actor, attempt: { method: ProvableMethod; typed: string; binding: string }): Promise<ProvenOutcome>;
  /** A passkey that says itself whose it is. */
  passkey(
    from: Omit<Actor, "account">,
    attempt: { answer: string; binding: string },
  ): Promise<(Proven & { readonly account: AccountIdentity }) | Exclude<ProofOutcome, { code: "proven" }>>;
  confirmTotp(place: Place, typed: string): Promise<ChangeOutcome>;
  addKey(place: Place, answer: string, suggested: string): Promise<ChangeOutcome>;
  confirmCodes(place: Place): Promise<ChangeOutcome>;
}

export interface FactorStepDeps {
  readonly backend: AccountBackend;
  readonly factors: Factors;
  readonly devices: Devices;
  readonly identities: Identities;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

const LAST = "factor.last";
/** Milliseconds the method used last is remembered. */
const REMEMBER_LAST = 365 * 86_400_000;

export function createFactorStep(deps: FactorStepDeps): FactorStep {
  const { factors, devices, store, clock, logger } = deps;
  const seconds = (): number => Math.floor(clock.now() / 1000);

  const remember = async (account: AccountIdentity, method: Method): Promise<void> => {
    if (method === "recovery") return;
    const known = (await store.get(LAST, account.subject))?.value["method"];
    if (known === method) return;
    await store.put(LAST, account.subject, { method }, { expiresAt: clock.now() + REMEMBER_LAST });
  };

  const added = async (place: Place, outcome: ChangeOutcome): Promise<ChangeOutcome> => {
    if (outcome.code === "done") await factors.enrolmentCodes.close(place.owner);
    return outcome;
  };

  return {
    async summary({ account, context, device }, known) {
      const [read, isTrusted, enrolmentCode, last] = await Promise.all([
        factors.read(account, context, known),
        devices.isTrusted(device, account.subject),
        factors.enrolmentCodes.isOpen(account),
        store.get(LAST, account.subject),
      ]);
      if (read.code !== "ok") return read;
      const { enrolled } = read;
      const { totp, webauthn, recovery } = factors.can(account.backend);
      const lastUsed = last?.value["method"];
      return {
        totp: enrolled.totp,
        keys: enrolled.credentials.length,
        unreadableKeys: enrolled.unreadableCredentials.length,
        recovery: enrolled.recoveryCodes.length,
        enrolmentCode,
        can: { totp, webauthn, recovery },
        isTrusted,
        lastUsed: lastUsed === "totp" || lastUsed === "webauthn" ? lastUsed : undefined,
      };
    },
    async prove({ account, context, device }, { method, typed, binding }) {
      const visit = { owner: account, context, device: await devices.known(device, account.name, "factor") };
      const outcome = await proveBy(factors, visit, { method, typed, binding });
      if (outcome.code !== "proven") return outcome;
      // Only a hint for the next sign-in, and not waited for: the write shares the flush of what follows.
      if (method !== "enrolment_code")
        remember(account, method).catch((cause: unknown) =>
          logger.warn("The method used last could not be remembered.", { cause }),
        );
      const multiDevice = outcome.multiDevice === undefined ? {} : { multiDevice: outcome.multiDevice };
      return { code: "proven", proof: { method, at: seconds(), ...multiDevice }, left: outcome.left };
    },
    passkey: (from, attempt) => provePasskey(deps, from, attempt),
    confirmTotp: async (place, typed) => added(place, await factors.enrolling.confirmTotp(place, typed)),
    addKey: async (place, answer, suggested) =>
      added(place, await factors.enrolling.finishKey(place, answer, suggested)),
    confirmCodes: (place) => factors.enrolling.confirmCodes(place),
  };
}

type FactorVisit = Parameters<Factors["proving"]["totp"]>[0];

function proveBy(
  { proving }: Factors,
  visit: FactorVisit,
  { method, typed, binding }: { method: ProvableMethod; typed: string; binding: string },
): Promise<ProofOutcome> {
  switch (method) {
    case "totp":
      return proving.totp(visit, typed);
    case "recovery":
      return proving.recovery(visit, typed);
    case "enrolment_code":
      return proving.enrolmentCode(visit, typed);
    case "webauthn":
      return proving.key(visit, { answer: typed, binding, userVerification: "preferred" });
    default:
      return method satisfies never;
  }
}

async function provePasskey(
  { backend, factors, devices, identities, clock }: FactorStepDeps,
  { context, device }: Omit<Actor, "account">,
  { answer, binding }: { answer: string; binding: string },
): ReturnType<FactorStep["passkey"]> {
  const unknown = () => factors.proving.nobody(context);
  const owner: AccountKey | undefined = await factors.ownerOf(answer);
  if (owner === undefined) return unknown();
  const found = await backend.lookup(owner.name, context, owner.backend);
  if (found.code === "unavailable") return found;
  if (found.code !== "found") return unknown();
  const account = identityOf(found.account);
  const visit = { owner: account, context, device: await devices.known(device, account.name, "factor") };
  const outcome = await factors.proving.key(visit, { answer, binding, userVerification: "required" });
  if (outcome.code !== "proven") return outcome;
  if (!(await identities.remember(account))) return unknown();
  const multiDevice = outcome.multiDevice === undefined ? {} : { multiDevice: outcome.multiDevice };
  const proof: Proof = { method: "passkey", at: Math.floor(clock.now() / 1000), ...multiDevice };
  return { code: "proven", account, proof, left: undefined };
}
