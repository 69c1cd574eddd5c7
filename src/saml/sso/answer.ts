import type { Request, Response } from "express";
import { type Clock, IdpError, type Random } from "../../kernel/index.ts";
import type {
  Access,
  AccessAccount,
  AccessDecision,
  BrowserSession,
  BrowserSessions,
  Level,
  Levels,
  LoginState,
  RequestFacts,
} from "../../login/index.ts";
import { attributeStatement } from "../outbound/attributes.ts";
import { nameIdFor } from "../outbound/name-id.ts";
import { type ResponseFrame, statusResponse, successResponse } from "../outbound/response.ts";
import type { Signer } from "../outbound/signer.ts";
import type { ServiceProvider } from "../sp/model.ts";
import { STATUS } from "../xml/names.ts";
import { applicationOf } from "./application.ts";
import { decide, refusal, type Verdict } from "./decide.ts";
import type { Participants } from "./participants.ts";
import type { PendingRequest } from "./requests.ts";

export interface AnswerDeps {
  readonly entityId: string;
  readonly sessions: BrowserSessions;
  readonly levels: Levels;
  readonly highest: () => Level;
  readonly access: Access;
  readonly facts: RequestFacts;
  readonly participants: Participants;
  readonly signer: Signer;
  readonly nameIdSecret: Uint8Array;
  readonly clock: Clock;
  readonly random: Random;
}

/** The answer a request is ready for, or the page somebody has to act on first. */
export type Answer =
  | { readonly kind: "ask"; readonly state: LoginState }
  | { readonly kind: "status"; readonly status: string; readonly second: string }
  | { readonly kind: "success"; readonly known: Extract<Verdict, { kind: "known" }>; readonly account: AccessAccount };

/**
 * Evaluates a request against the session of this browser and the backend's word.
 * @throws IdpError BACKEND_UNAVAILABLE; nothing is consumed, the same address works later.
 */
export async function evaluate(
  deps: AnswerDeps,
  visit: { req: Request; res: Response },
  request: PendingRequest,
  sp: ServiceProvider,
): Promise<Answer> {
  const verdict = decide(request, sp, await deps.sessions.current(visit.req, visit.res), deps);
  if (verdict.kind !== "known") return verdict;
  const { session } = verdict;
  const decision: AccessDecision = await deps.access.decide(
    session.account,
    { allow_groups: sp.settings.allowGroups },
    { ...deps.facts.of(visit.req), ...applicationOf(sp, request), grant_type: "" },
  );
  if (decision.code === "unavailable") throw new IdpError("BACKEND_UNAVAILABLE", { because: decision.reason });
  const refused = refusal(request, session, decision);
  if (refused !== undefined) return refused as Exclude<Verdict, { kind: "known" }>;
  return decision.code === "allowed"
    ? { kind: "success", known: verdict, account: decision.account }
    : { kind: "status", status: STATUS.responder, second: STATUS.requestDenied };
}

/** The signed Response as base64. A success is recorded as a participant of the session before it leaves. */
export async function issue(
  deps: AnswerDeps,
  request: PendingRequest,
  sp: ServiceProvider,
  answer: Exclude<Answer, { kind: "ask" }>,
): Promise<string> {
  const frame: ResponseFrame = {
    responseId: `_${deps.random.id()}`,
    issuer: deps.entityId,
    destination: request.acsUrl,
    inResponseTo: request.requestId,
    now: deps.clock.now(),
  };
  const status = (first: string, second: string): string =>
    deps.signer.message(statusResponse(frame, first, second), "Response");
  if (answer.kind === "status") return status(answer.status, answer.second);
  const { known, account } = answer;
  const nameId = nameIdFor(known.nameIdKind, {
    identity: known.session.account,
    account,
    sp,
    secret: deps.nameIdSecret,
    newId: () => deps.random.id(),
  });
  if (nameId === undefined) return status(STATUS.responder, STATUS.invalidNameIdPolicy);
  // saml-core 3.4.1.4: somebody else than the one asked for is no success.
  if (request.subject !== undefined && request.subject !== nameId.value)
    return status(STATUS.responder, STATUS.unknownPrincipal);
  const sessionIndex = `_${deps.random.id()}`;
  const markup = successResponse(frame, {
    assertionId: `_${deps.random.id()}`,
    audience: sp.entityId,
    nameId,
    sessionIndex,
    authTime: known.session.authTime,
    sessionEndsAt: known.session.endsAt,
    contextClass: known.contextClass,
    attributes: attributeStatement(account, sp.settings.attributes),
  });
  const [response] = await Promise.all([
    deps.signer.response(markup, sp),
    remember(deps.participants, known.session, { sp, nameId, sessionIndex }),
  ]);
  return response;
}

function remember(
  participants: Participants,
  session: BrowserSession,
  {
    sp,
    nameId,
    sessionIndex,
  }: { sp: ServiceProvider } & Pick<Parameters<Participants["add"]>[0], "nameId" | "sessionIndex">,
): Promise<void> {
  return participants.add(
    { sessionUid: session.uid, subject: session.account.subject, entityId: sp.entityId, nameId, sessionIndex },
    session.endsAt,
  );
}
