import { Secret } from "../kernel/index.ts";
import type { LoginEvent, LoginState, ProvableMethod } from "./flow.ts";

/** The fields of a posted form, each a single string. */
export type Fields = Readonly<Record<string, string>>;

/** What a posted form means in a state: a finished decision, something to check, or nothing that belongs here. */
export type Answer =
  | { readonly kind: "event"; readonly event: LoginEvent }
  | { readonly kind: "password"; readonly username: string; readonly password: Secret; readonly remember: boolean }
  | { readonly kind: "passkey"; readonly answer: string; readonly remember: boolean }
  | { readonly kind: "factor"; readonly method: ProvableMethod; readonly typed: string; readonly trust: boolean }
  | { readonly kind: "new_totp"; readonly typed: string }
  | { readonly kind: "new_key"; readonly answer: string }
  | { readonly kind: "codes_saved" }
  | { readonly kind: "nonsense" };

type StateAt<At extends LoginState["at"]> = Extract<LoginState, { at: At }>;

/** What each state makes of a form that is no way out. */
const READERS: { readonly [At in LoginState["at"]]: (state: StateAt<At>, fields: Fields) => Answer } = {
  identify: readIdentify,
  prove: readProof,
  enrol: readEnrolment,
  codes: (_state, fields) => (fields["saved"] === "on" ? { kind: "codes_saved" } : NONSENSE),
  choose: (_state, fields) => (fields["decision"] === "continue" ? event({ kind: "account_confirmed" }) : NONSENSE),
  consent: readConsent,
  stuck: readBack,
  refused: readBack,
  more: () => NONSENSE,
  done: () => NONSENSE,
};

const LEAVABLE: ReadonlySet<LoginState["at"]> = new Set(["identify", "prove", "enrol", "choose", "stuck"]);

/** Reads a form in the light of the state it answers. Pure. */
export function readAnswer(state: LoginState, fields: Fields): Answer {
  const decision = fields["decision"];
  if (LEAVABLE.has(state.at)) {
    if (decision === "cancel") return event({ kind: "cancelled" });
    if (decision === "switch") return event({ kind: "other_account" });
  }
  const read = READERS[state.at] as (state: LoginState, fields: Fields) => Answer;
  return read(state, fields);
}

const NONSENSE: Answer = { kind: "nonsense" };
function event(value: LoginEvent): Answer {
  return { kind: "event", event: value };
}

function readIdentify(state: Extract<LoginState, { at: "identify" }>, fields: Fields): Answer {
  const remember = fields["remember"] === "on";
  const passkey = fields["answer"] ?? "";
  if (passkey !== "") return { kind: "passkey", answer: passkey, remember };
  // The name of a known person comes from the stored state; what the form says about it does not count.
  const username = state.fixed ? state.username : (fields["username"] ?? "");
  return { kind: "password", username, password: new Secret(fields["password"] ?? ""), remember };
}

function readProof(state: StateAt<"prove">, fields: Fields): Answer {
  if (fields["decision"] === "other") return event({ kind: "other_method" });
  const { asked } = state;
  if (asked === undefined) {
    const method = state.methods.find((one) => one === fields["method"]);
    return method === undefined ? NONSENSE : event({ kind: "method_chosen", method });
  }
  const typed = fields[asked === "webauthn" ? "answer" : "code"];
  if (typed === undefined) return NONSENSE;
  return { kind: "factor", method: asked, typed, trust: fields["trust"] === "on" };
}

function readEnrolment(state: StateAt<"enrol">, fields: Fields): Answer {
  if (fields["decision"] === "other") return event({ kind: "other_kind" });
  if (state.chosen === undefined) {
    const kind = state.kinds.find((one) => one === fields["method"]);
    return kind === undefined ? NONSENSE : event({ kind: "kind_chosen", enrol: kind });
  }
  const typed = fields[state.chosen === "webauthn" ? "answer" : "code"];
  if (typed === undefined) return NONSENSE;
  return state.chosen === "webauthn" ? { kind: "new_key", answer: typed } : { kind: "new_totp", typed };
}

function readConsent(_state: StateAt<"consent">, fields: Fields): Answer {
  const decision = fields["decision"];
  if (decision !== "allow" && decision !== "deny") return NONSENSE;
  return event({ kind: "consent", decision, optional: tickedScopes(fields) });
}

function readBack(_state: StateAt<"stuck" | "refused">, fields: Fields): Answer {
  return fields["decision"] === "back" ? event({ kind: "back" }) : NONSENSE;
}

function tickedScopes(fields: Fields): ReadonlySet<string> {
  const names = Object.keys(fields).filter((name) => name.startsWith("scope.") && fields[name] === "on");
  return new Set(names.map((name) => name.slice("scope.".length)));
}
