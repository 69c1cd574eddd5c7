import type { AccessDecision, BrowserSession, LoginState } from "../../login/index.ts";
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

/** The strongest proof anybody can give here. */
const HIGHEST_LEVEL = 1;

const responder = (second: string): Verdict => ({ kind: "status", status: STATUS.responder, second });

/** Decides from the request and the browser's session alone. Pure; the only other question is whether the person may use the provider. */
export function decide(request: PendingRequest, sp: ServiceProvider, session: BrowserSession | undefined): Verdict {
  if (request.ended !== undefined)
    return responder(request.ended === "refused" ? STATUS.requestDenied : STATUS.authnFailed);
  const kind = nameIdKind(request.nameIdPolicy, sp);
  if (kind === undefined) return { kind: "status", status: STATUS.requester, second: STATUS.invalidNameIdPolicy };
  if (contextFor(request.context, HIGHEST_LEVEL) === undefined) return responder(STATUS.noAuthnContext);
  const contextClass = session === undefined ? undefined : contextFor(request.context, session.level);
  if (session === undefined || contextClass === undefined || isStale(request, session)) {
    if (request.isPassive) return responder(STATUS.noPassive);
    return {
      kind: "ask",
      state: { at: "identify", username: session?.account.name ?? "", fixed: session !== undefined },
    };
  }
  return { kind: "known", session, contextClass, nameIdKind: kind };
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
