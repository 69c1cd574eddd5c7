import { Secret } from "../kernel/index.ts";
import type { LoginEvent, LoginState } from "./flow.ts";

/** The fields of a posted form, each a single string. */
export type Fields = Readonly<Record<string, string>>;

/** What a posted form means in a state: a finished decision, a password to check, or nothing that belongs here. */
export type Answer =
  | { readonly kind: "event"; readonly event: LoginEvent }
  | { readonly kind: "password"; readonly username: string; readonly password: Secret; readonly remember: boolean }
  | { readonly kind: "nonsense" };

/** Reads a form in the light of the state it answers. Pure. */
export function readAnswer(state: LoginState, fields: Fields): Answer {
  const decision = fields["decision"] ?? "";
  switch (state.at) {
    case "identify":
      return readIdentify(state, decision, fields);
    case "choose":
      if (decision === "continue") return event({ kind: "account_confirmed" });
      return decision === "switch" ? event({ kind: "other_account" }) : NONSENSE;
    case "consent":
      if (decision !== "allow" && decision !== "deny") return NONSENSE;
      return event({ kind: "consent", decision, optional: tickedScopes(fields) });
    case "refused":
      return decision === "back" ? event({ kind: "back" }) : NONSENSE;
    case "done":
      return NONSENSE;
    default:
      return state satisfies never;
  }
}

const NONSENSE: Answer = { kind: "nonsense" };

function event(value: LoginEvent): Answer {
  return { kind: "event", event: value };
}

function readIdentify(state: Extract<LoginState, { at: "identify" }>, decision: string, fields: Fields): Answer {
  if (decision === "cancel") return event({ kind: "cancelled" });
  if (decision === "switch") return event({ kind: "other_account" });
  // The name of a known person comes from the stored state; what the form says about it does not count.
  const username = state.fixed ? state.username : (fields["username"] ?? "");
  return {
    kind: "password",
    username,
    password: new Secret(fields["password"] ?? ""),
    remember: fields["remember"] === "on",
  };
}

function tickedScopes(fields: Fields): ReadonlySet<string> {
  const names = Object.keys(fields).filter((name) => name.startsWith("scope.") && fields[name] === "on");
  return new Set(names.map((name) => name.slice("scope.".length)));
}
