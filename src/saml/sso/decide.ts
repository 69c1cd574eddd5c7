import {
  type AccessDecision,
  type BrowserSession,
  type Demand,
  isMet,
  type Level,
  type Levels,
  type LoginState,
} from "../../login/index.ts";
import { contextFor } from "../outbound/context.ts";
import { nameIdKind } from "../outbound/name-id.ts";
import type { ServiceProvider } from "../sp/model.ts";
import { type NameIdKind, STATUS } from "../xml/names.ts";
import type { PendingRequest } from "./requests.ts";

/** What a request needs next. */
export type Verdict =
  /** Somebody must act. */
  | { readonly kind: "ask"; readonly state: LoginState }
  /** The answer says why not. */
  | { readonly kind: "status"; readonly status: string; readonly second: string }
  /** The person is known well enough: whether they may is asked for `account` next. */
  | {
      readonly kind: "known";
      readonly session: BrowserSession;
      readonly contextClass: string;
      readonly nameIdKind: NameIdKind;
    };

/** The proof a request asks for (saml-core 3.3.2.2.1). `undefined`: no sign-in here could satisfy it. */
export function demandOf(
  request: Pick<PendingRequest, "context">,
  sp: ServiceProvider,
  highest: Level,
): Demand | undefined {
  const levels: readonly Level[] = [1, 2, 3];
  const essential = levels.find((level) => level <= highest && contextFor(request.context, level) !== undefined);
  return essential === undefined ? undefined : { ...sp.settings.policy, essential, wish: 1, allowTrust: true };
}

const responder = (second: string): Verdict => ({ kind: "status", status: STATUS.responder, second });

/** How a request ended by a person is answered. */
const ENDED = {
  refused: STATUS.requestDenied,
  cancelled: STATUS.authnFailed,
  unmet: STATUS.noAuthnContext,
} as const;

/** Decides from the request and the browser's session alone. Pure; the only other question is whether the person may use the provider. */
export function decide(
  request: PendingRequest,
  sp: ServiceProvider,
  session: BrowserSession | undefined,
  { levels, highest }: { readonly levels: Levels; readonly highest: () => Level },
): Verdict {
  if (request.ended !== undefined) return responder(ENDED[request.ended]);
  const kind = nameIdKind(request.nameIdPolicy, sp);
  if (kind === undefined) return { kind: "status", status: STATUS.requester, second: STATUS.invalidNameIdPolicy };
  const demand = demandOf(request, sp, highest());
  if (demand === undefined) return responder(STATUS.noAuthnContext);
  const contextClass = session === undefined ? undefined : contextFor(request.context, session.level);
  if (session !== undefined && !isStale(request, session)) {
    if (contextClass !== undefined && isMet(demand, session, levels))
      return { kind: "known", session, contextClass, nameIdKind: kind };
    // saml-core 3.4.1: what is missing would have to be asked for.
    return request.isPassive ? responder(STATUS.noPassive) : { kind: "ask", state: more(session) };
  }
  if (request.isPassive) return responder(STATUS.noPassive);
  const username = session?.account.name ?? "";
  return { kind: "ask", state: { at: "identify", username, fixed: session !== undefined } };
}

/** Who signed in before only proves what is missing. */
function more({ account, proofs, remember }: BrowserSession): LoginState {
  return { at: "more", account, proofs, remember };
}

/** saml-core 3.4.1: ForceAuthn wants a proof given for this request. */
function isStale({ forceAuthn, proven }: PendingRequest, { account }: BrowserSession): boolean {
  return forceAuthn && proven !== account.subject;
}

/** What the backend's word on this person and provider leads to. `undefined`: they may. */
export function refusal(
  request: PendingRequest,
  session: BrowserSession,
  decision: Extract<AccessDecision, { code: "allowed" | "denied" }>,
): Verdict | undefined {
  if (decision.code === "allowed") return undefined;
  return request.isPassive
    ? responder(STATUS.requestDenied)
    : { kind: "ask", state: { at: "refused", account: session.account } };
}
