import type { AccountIdentity } from "./identity.ts";

/** What one application wants to know before a person is let through; from the protocol folder, in our words. */
export interface ConsentAsk {
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
}

/** Where one attempt to satisfy one request stands. */
export type LoginState =
  /** `fixed`: the person is known and only proves it is them (`max_age`, `prompt=login`, `id_token_hint`). */
  | { readonly at: "identify"; readonly username: string; readonly fixed: boolean }
  | { readonly at: "choose"; readonly account: AccountIdentity }
  | { readonly at: "consent"; readonly account: AccountIdentity; readonly ask: ConsentAsk }
  | { readonly at: "refused"; readonly account: AccountIdentity }
  | { readonly at: "done"; readonly outcome: LoginOutcome };

/** How an attempt ended; the protocol folder turns it into its own answer. */
export type LoginOutcome =
  | {
      readonly kind: "signed_in";
      readonly account: AccountIdentity;
      /** RFC 8176 names of what was really used. */
      readonly amr: readonly string[];
      readonly level: 1 | 2 | 3;
      /** Seconds since the epoch. */
      readonly authTime: number;
      readonly remember: boolean;
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
      readonly kind: "password_accepted";
      readonly account: AccountIdentity;
      readonly authTime: number;
      readonly remember: boolean;
    }
  | { readonly kind: "account_confirmed" }
  | { readonly kind: "other_account" }
  | { readonly kind: "consent"; readonly decision: "allow" | "deny"; readonly optional: ReadonlySet<string> }
  | { readonly kind: "back" }
  | { readonly kind: "cancelled" };

/** `undefined`: the event does not belong to this state, and nothing may change. */
export type Transition = LoginState | undefined;

/** Scopes a person may leave out without breaking the application; all others are part of "It will receive". */
export const OPTIONAL_SCOPES: ReadonlySet<string> = new Set(["groups", "offline_access"]);

/** The states in which each event means something. */
const BELONGS: { readonly [Kind in LoginEvent["kind"]]: readonly LoginState["at"][] } = {
  password_accepted: ["identify"],
  account_confirmed: ["choose"],
  other_account: ["choose", "identify"],
  consent: ["consent"],
  back: ["refused"],
  cancelled: ["identify", "choose"],
};

/** The sign-in state machine. Pure; every page is a function of the state it returns, and only `done` lets anyone through. */
export function advance(state: LoginState, event: LoginEvent): Transition {
  if (!BELONGS[event.kind].includes(state.at)) return undefined;
  switch (event.kind) {
    case "password_accepted":
      return passwordAccepted(event);
    case "account_confirmed":
      return done({ kind: "account_confirmed" });
    case "other_account":
      return { at: "identify", username: "", fixed: false };
    case "consent":
      return state.at === "consent" ? decideConsent(state.ask, event) : undefined;
    case "back":
      return done({ kind: "application_refused" });
    case "cancelled":
      return done({ kind: "cancelled" });
    default:
      return event satisfies never;
  }
}

function done(outcome: LoginOutcome): LoginState {
  return { at: "done", outcome };
}

function passwordAccepted(event: Extract<LoginEvent, { kind: "password_accepted" }>): LoginState {
  const { account, authTime, remember } = event;
  return done({ kind: "signed_in", account, amr: ["pwd"], level: 1, authTime, remember });
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
