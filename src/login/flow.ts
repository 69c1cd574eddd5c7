import type { Method } from "../factors/index.ts";
import type { AccountIdentity } from "./identity.ts";
import type { Level } from "./levels.ts";
import { type Demand, type Plan, planNext, type Summary } from "./plan.ts";
import { amrOf, authTimeOf, type Levels, levelOfProofs, mergeProofs, type Proof, type Proofs } from "./proofs.ts";

/** What one application wants to know before a person is let through; from the protocol folder, in our words. */
export interface ConsentAsk {
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
}

/** What is known of a person whose sign-in is not finished yet. */
export interface Underway {
  readonly account: AccountIdentity;
  readonly proofs: Proofs;
  readonly remember: boolean;
  /** The name as it was typed, where it was. */
  readonly typed?: string;
  /** The person wants this device to be trusted. */
  readonly trust?: boolean;
}

export type ProvableMethod = Method | "enrolment_code";
export type EnrolKind = "webauthn" | "totp";

/** Where one attempt to satisfy one request stands. */
export type LoginState =
  /** `fixed`: the person is known and only proves it is them (`max_age`, `prompt=login`, `id_token_hint`). */
  | { readonly at: "identify"; readonly username: string; readonly fixed: boolean }
  /** The person is known; what they have and what is missing must be read first. */
  | ({ readonly at: "more" } & Underway)
  /** `asked` absent: which method is chosen first. */
  | ({
      readonly at: "prove";
      readonly methods: readonly ProvableMethod[];
      readonly asked: ProvableMethod | undefined;
      readonly has: Summary;
    } & Underway)
  | ({
      readonly at: "enrol";
      readonly kinds: readonly EnrolKind[];
      readonly chosen: EnrolKind | undefined;
      readonly has: Summary;
    } & Underway)
  /** Something was set up; recovery codes are shown and must be saved. */
  | ({ readonly at: "codes"; readonly has: Summary } & Underway)
  | ({ readonly at: "stuck"; readonly why: "unreadable" | "unsupported" } & Underway)
  | { readonly at: "choose"; readonly account: AccountIdentity }
  | { readonly at: "consent"; readonly account: AccountIdentity; readonly ask: ConsentAsk }
  | { readonly at: "refused"; readonly account: AccountIdentity }
  | { readonly at: "done"; readonly outcome: LoginOutcome };

/** How an attempt ended; the protocol folder turns it into its own answer. */
export type LoginOutcome =
  | {
      readonly kind: "signed_in";
      readonly account: AccountIdentity;
      readonly proofs: Proofs;
      /** RFC 8176 names of what was really used. */
      readonly amr: readonly string[];
      readonly level: Level;
      /** Seconds since the epoch. */
      readonly authTime: number;
      readonly remember: boolean;
      /** The second factor was skipped because the device is trusted. */
      readonly isTrusted: boolean;
      readonly typed: string | undefined;
      readonly trust: boolean;
    }
  | { readonly kind: "account_confirmed" }
  /** Nobody needs to be asked: the protocol answers the application now. */
  | { readonly kind: "nothing_to_ask" }
  | {
      readonly kind: "consented";
      readonly scopes: readonly string[];
      readonly rejected: readonly string[];
      readonly claims: readonly string[];
    }
  | { readonly kind: "consent_denied" }
  | { readonly kind: "application_refused" }
  | { readonly kind: "cancelled" }
  /** The application demands a proof that nobody here can give. */
  | { readonly kind: "demand_unmet" };

export type LoginEvent =
  | {
      readonly kind: "signed_in_by";
      readonly account: AccountIdentity;
      readonly proof: Proof;
      readonly remember: boolean;
      readonly typed?: string;
    }
  | { readonly kind: "factors_read"; readonly has: Summary }
  | { readonly kind: "method_chosen"; readonly method: ProvableMethod }
  | { readonly kind: "other_method" }
  | { readonly kind: "proven"; readonly proof: Proof; readonly trust?: boolean }
  | { readonly kind: "kind_chosen"; readonly enrol: EnrolKind }
  | { readonly kind: "other_kind" }
  | { readonly kind: "enrolled"; readonly proof: Proof }
  | { readonly kind: "codes_saved" }
  | { readonly kind: "account_confirmed" }
  | { readonly kind: "other_account" }
  | { readonly kind: "consent"; readonly decision: "allow" | "deny"; readonly optional: ReadonlySet<string> }
  | { readonly kind: "back" }
  | { readonly kind: "cancelled" };

/** What holds for every step of an attempt. */
export interface Rules {
  readonly demand: Demand;
  readonly levels: Levels;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Seconds a proof is fresh enough to add factors by it. */
  readonly freshFor: number;
}

/** `undefined`: the event does not belong to this state, and nothing may change. */
export type Transition = LoginState | undefined;

/** Scopes a person may leave out without breaking the application; all others are part of "It will receive". */
export const OPTIONAL_SCOPES: ReadonlySet<string> = new Set(["groups", "offline_access"]);

/** What each state makes of an event. */
const STEPS: {
  readonly [At in LoginState["at"]]: (state: StateAt<At>, event: LoginEvent, rules: Rules) => Transition;
} = {
  identify: (_state, event) => identify(event),
  more: (state, event, rules) => (event.kind === "factors_read" ? settle(state, event.has, rules) : undefined),
  prove,
  enrol,
  codes: (state, event, rules) => (event.kind === "codes_saved" ? settle(state, state.has, rules) : undefined),
  stuck: (_state, event) => (event.kind === "back" ? done({ kind: "demand_unmet" }) : leave(event)),
  choose: (_state, event) => (event.kind === "account_confirmed" ? done({ kind: "account_confirmed" }) : leave(event)),
  consent: (state, event) => (event.kind === "consent" ? decideConsent(state.ask, event) : undefined),
  refused: (_state, event) => (event.kind === "back" ? done({ kind: "application_refused" }) : undefined),
  done: () => undefined,
};

type StateAt<At extends LoginState["at"]> = Extract<LoginState, { at: At }>;

/** The sign-in state machine. Pure; every page is a function of the state it returns, and only `done` lets anyone through. */
export function advance(state: LoginState, event: LoginEvent, rules: Rules): Transition {
  const step = STEPS[state.at] as (state: LoginState, event: LoginEvent, rules: Rules) => Transition;
  return step(state, event, rules);
}

function done(outcome: LoginOutcome): LoginState {
  return { at: "done", outcome };
}

/** The two ways out of every step. */
function leave(event: LoginEvent): Transition {
  if (event.kind === "cancelled") return done({ kind: "cancelled" });
  return event.kind === "other_account" ? { at: "identify", username: "", fixed: false } : undefined;
}

function identify(event: LoginEvent): Transition {
  if (event.kind !== "signed_in_by") return leave(event);
  const { account, proof, remember, typed } = event;
  return { at: "more", account, proofs: [proof], remember, ...(typed === undefined ? {} : { typed }) };
}

function prove(state: StateAt<"prove">, event: LoginEvent, rules: Rules): Transition {
  if (event.kind === "method_chosen")
    return state.methods.includes(event.method) ? { ...state, asked: event.method } : undefined;
  if (event.kind === "other_method") return state.methods.length > 1 ? { ...state, asked: undefined } : undefined;
  if (event.kind !== "proven") return leave(event);
  if (event.proof.method !== state.asked) return undefined;
  const proofs = mergeProofs(state.proofs, [event.proof]);
  // What stands in for a lost factor makes no device trusted.
  const trust = event.trust === true && (state.asked === "totp" || state.asked === "webauthn");
  return settle({ ...state, proofs, trust }, state.has, rules);
}

function enrol(state: StateAt<"enrol">, event: LoginEvent, rules: Rules): Transition {
  if (event.kind === "kind_chosen")
    return state.kinds.includes(event.enrol) ? { ...state, chosen: event.enrol } : undefined;
  if (event.kind === "other_kind") return state.kinds.length > 1 ? { ...state, chosen: undefined } : undefined;
  if (event.kind !== "enrolled") return leave(event);
  if (event.proof.method !== state.chosen) return undefined;
  const has = withEnrolled(state.has, state.chosen);
  const next: Underway = { ...state, proofs: mergeProofs(state.proofs, [event.proof]) };
  const offersCodes = has.can.recovery && has.recovery === 0;
  return offersCodes ? { at: "codes", ...underway(next), has } : settle(next, has, rules);
}

function withEnrolled(has: Summary, kind: EnrolKind): Summary {
  const added: Partial<Summary> = kind === "totp" ? { totp: "ready" } : { keys: has.keys + 1 };
  return { ...has, ...added, enrolmentCode: false };
}

function underway({ account, proofs, remember, typed, trust }: Underway): Underway {
  return {
    account,
    proofs,
    remember,
    ...(typed === undefined ? {} : { typed }),
    ...(trust === undefined ? {} : { trust }),
  };
}

/** The next step for a person of whom everything is known. */
function settle(known: Underway, has: Summary, rules: Rules): LoginState {
  const person = underway(known);
  const plan: Plan = planNext({ ...rules, proofs: person.proofs, has });
  switch (plan.next) {
    case "done":
      return done(signedIn(person, has, rules));
    case "password":
      return { at: "identify", username: person.account.name, fixed: true };
    case "prove":
      return { at: "prove", ...person, has, methods: plan.methods, asked: defaultMethod(plan.methods) };
    case "enrol":
      return {
        at: "enrol",
        ...person,
        has,
        kinds: plan.kinds,
        chosen: plan.kinds.length === 1 ? plan.kinds[0] : undefined,
      };
    case "impossible":
      return { at: "stuck", ...person, why: plan.why };
    default:
      return plan satisfies never;
  }
}

/** Without a choice to make the page for it is skipped. Recovery codes are nobody's first choice. */
function defaultMethod(methods: readonly ProvableMethod[]): ProvableMethod | undefined {
  const usual = methods.filter((method) => method !== "recovery");
  if (usual.length === 1) return usual[0];
  return usual.length === 0 ? methods[0] : undefined;
}

function signedIn(
  { account, proofs, remember, typed, trust }: Underway,
  has: Summary,
  { levels, demand }: Rules,
): LoginOutcome {
  const isTrusted = has.isTrusted && demand.allowTrust && proofs.every(({ method }) => method === "password");
  return {
    kind: "signed_in",
    account,
    proofs,
    amr: amrOf(proofs),
    level: levelOfProofs(proofs, levels),
    authTime: authTimeOf(proofs),
    remember,
    isTrusted,
    typed,
    trust: trust ?? false,
  };
}

function decideConsent(ask: ConsentAsk, event: Extract<LoginEvent, { kind: "consent" }>): LoginState {
  if (event.decision === "deny") return done({ kind: "consent_denied" });
  const isGranted = (scope: string) => !OPTIONAL_SCOPES.has(scope) || event.optional.has(scope);
  return done({
    kind: "consented",
    scopes: ask.scopes.filter(isGranted),
    rejected: ask.scopes.filter((scope) => !isGranted(scope)),
    claims: ask.claims,
  });
}
