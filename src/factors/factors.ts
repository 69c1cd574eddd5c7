import type { PublicKeyCredentialRequestOptionsJSON } from "@simplewebauthn/server";
import type { Account, AccountBackend, AccountKey, CallContext, Unavailable } from "../backend/index.ts";
import type { World } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import type { AuditLog, Logger } from "../telemetry/index.ts";
import type { Throttle } from "../throttle/index.ts";
import { createChallenges } from "./challenges.ts";
import { type Changes, createChanges } from "./change.ts";
import type { FactorDeps } from "./deps.ts";
import { createEnrolling, type Enrolling } from "./enrol.ts";
import { type Capabilities, capabilitiesOf, type EnrolledOutcome, readCredentials, readEnrolled } from "./enrolled.ts";
import { createEnrolmentCodes, type EnrolmentCodes } from "./enrolment-codes.ts";
import { createHandles } from "./handles.ts";
import { createAccountLock } from "./lock.ts";
import type { Owner } from "./owner.ts";
import { createProving, type Proving } from "./prove.ts";
import { isSameCode } from "./recovery-codes.ts";
import { assertionOptions, type RelyingParty } from "./webauthn.ts";
import { readAnswer } from "./webauthn-answer.ts";

export interface FactorsInput {
  readonly backend: AccountBackend;
  readonly store: Store;
  readonly world: World;
  readonly throttle: Throttle;
  readonly audit: AuditLog;
  readonly logger: Logger;
  readonly handleSecret: Uint8Array;
  readonly party: RelyingParty;
  readonly totp: { readonly issuer: string; readonly window: number };
  readonly clones: "refuse" | "warn";
  readonly changed: (owner: Owner) => void;
  readonly isSameCode?: FactorDeps["isSameCode"];
}

/** Everything about second factors, for the sign-in, the account pages and the administrator. */
export interface Factors {
  readonly proving: Proving;
  readonly changes: Changes;
  readonly enrolling: Enrolling;
  readonly enrolmentCodes: EnrolmentCodes;
  readonly party: RelyingParty;
  /** @param known what the backend just told about the account; asked for when absent. */
  read(owner: Owner, context: CallContext, known?: Account): Promise<EnrolledOutcome>;
  can(backend: string): Capabilities;
  /** Options for a key of this person, or for any passkey when nobody is known yet. */
  assertion(
    binding: string,
    known: { readonly owner: Owner; readonly context: CallContext } | undefined,
  ): Promise<PublicKeyCredentialRequestOptionsJSON | Unavailable>;
  /** Whose passkey an answer is, going by its user handle alone. Nothing is verified. */
  ownerOf(answer: string): Promise<AccountKey | undefined>;
  addedAt(owner: Owner, credentialId: string): Promise<number | undefined>;
  /** Base64url, for the browser's Signal API. */
  handleOf(owner: Owner): string;
  /** Makes the account's passkeys findable; whether it has any. */
  index(owner: Owner, context: CallContext): Promise<boolean | Unavailable>;
}

export function createFactors(input: FactorsInput): Factors {
  const { backend, store, world } = input;
  const handles = createHandles({ store, secret: input.handleSecret });
  const deps: FactorDeps = {
    ...input,
    ...world,
    handles,
    challenges: createChallenges({ store, ...world }),
    lock: createAccountLock({ ...input, ...world }),
    isSameCode: input.isSameCode ?? ((_owner, stored, typed) => isSameCode(stored, typed)),
  };
  const changes = createChanges(deps);
  const enrolmentCodes = createEnrolmentCodes({ store, ...world });
  return {
    proving: createProving(deps, enrolmentCodes),
    changes,
    enrolling: createEnrolling(deps, changes),
    enrolmentCodes,
    party: input.party,
    read: (owner, context, known) => readEnrolled(backend, { owner, context }, known),
    can: (name) => capabilitiesOf(backend, name),
    addedAt: (owner, id) => handles.addedAt(owner, id),
    handleOf: (owner) => Buffer.from(handles.handleOf(owner)).toString("base64url"),
    async assertion(binding, known) {
      const stored = known === undefined ? undefined : await readCredentials(backend, known.owner, known.context);
      if (stored !== undefined && "code" in stored) return stored;
      return assertionOptions({ ...deps, binding }, stored?.credentials ?? []);
    },
    async ownerOf(answer) {
      const read = readAnswer(answer, "signature");
      const handle = read.ok ? read.value.userHandle : undefined;
      return handle === undefined ? undefined : handles.find(handle);
    },
    async index(owner, context) {
      const stored = await readCredentials(backend, owner, context);
      if ("code" in stored) return stored;
      if (stored.credentials.length > 0) await handles.remember(owner);
      return stored.credentials.length > 0;
    },
  };
}
