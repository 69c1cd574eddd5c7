import { type Request, type RequestHandler, type Response, Router } from "express";
import { exactRouter, formBody, localPath, methodNotAllowed, type Reply, route } from "../../http/index.ts";
import { IdpError, type Result } from "../../kernel/index.ts";
import type { AuditLog } from "../../telemetry/index.ts";
import type { Believed, InboundGate } from "../inbound/gate.ts";
import type { AuthnRequest } from "../inbound/messages.ts";
import { resolveAcs } from "../inbound/rules.ts";
import type { Refusal } from "../xml/refusal.ts";
import { type AnswerDeps, evaluate, issue } from "./answer.ts";
import { begin } from "./begin.ts";
import type { SamlGate, SamlGateDeps } from "./gate.ts";
import type { PendingRequest } from "./requests.ts";

/** Bytes of a posted form: a message of 64 KB in base64 and percent signs. */
export const POST_LIMIT = 131_072;

export interface SsoRouterDeps extends AnswerDeps, SamlGateDeps {
  readonly inbound: InboundGate;
  readonly gate: SamlGate;
  readonly audit: AuditLog;
}

/** Refused for the rule it broke: the log gets rule, place and expectation, the sender gets nothing. @throws IdpError SAML_MESSAGE_REFUSED */
export function believedOr<Value>(result: Result<Value, Refusal>): Value {
  if (result.ok) return result.value;
  const { rule, at, expected } = result.problem;
  throw new IdpError("SAML_MESSAGE_REFUSED", { rule, at, expected });
}

export function rawQueryOf(req: Request): string {
  const split = req.originalUrl.indexOf("?");
  return split === -1 ? "" : req.originalUrl.slice(split + 1);
}

/**
 * Single sign-on. A request is believed, stored and answered 303 to our own address before any cookie is read: a cross-site POST comes
 * without them.
 */
export function ssoRouter(deps: SsoRouterDeps): Router {
  const router = exactRouter();
  const path = "/saml/sso";
  router.get(
    path,
    route((req, res) =>
      new URLSearchParams(rawQueryOf(req)).has("sp")
        ? begin(deps, new URLSearchParams(rawQueryOf(req)), res)
        : receive(deps, req, res),
    ),
  );
  router.post(
    path,
    formBody(POST_LIMIT),
    route((req, res) => receive(deps, req, res)),
  );
  router.all(path, methodNotAllowed(["GET", "POST"]));
  return router;
}

/** Where a finished sign-in is answered: a page of ours that posts the Response. Below the sign-in's address, so its cookie comes along. */
export function responseRoute(deps: SsoRouterDeps): readonly [path: string, handler: RequestHandler] {
  return ["/login/saml/:id/response", route((req, res) => respond(deps, req, res))];
}

async function receive(deps: SsoRouterDeps, req: Request, res: Response): Promise<Reply> {
  const form = req.method === "POST" ? (req.body as Readonly<Record<string, string>>) : undefined;
  const believed = believedOr(deps.inbound.receive({ endpoint: "/saml/sso", rawQuery: rawQueryOf(req), form }));
  if (believed.message.kind !== "AuthnRequest")
    throw new IdpError("SAML_MESSAGE_REFUSED", { rule: "root", at: "/*", expected: "samlp:AuthnRequest" });
  const request = pendingOf(believed as Believed<AuthnRequest>, deps.clock.now());
  const recorded = await deps.requests.record(request, believed.source);
  if (recorded.kind === "replayed")
    throw new IdpError("SAML_MESSAGE_REFUSED", {
      rule: "replay",
      at: "/*/@ID",
      expected: "an ID that was not answered before",
      sp: request.entityId,
    });
  // A copy of a message that is still open leads to the same sign-in: only the browser that holds its cookie gets on there.
  if (!recorded.isNew) return { kind: "redirect", to: localPath(`/login/saml/${recorded.id}`) };
  return { kind: "redirect", to: localPath(deps.gate.bind(res, recorded.id)) };
}

function pendingOf({ message, sp, relayState }: Believed<AuthnRequest>, now: number): PendingRequest {
  const acs = resolveAcs(message, sp);
  if ("rule" in acs)
    throw new IdpError("SAML_MESSAGE_REFUSED", { rule: acs.rule, at: acs.at, expected: acs.expected, sp: sp.entityId });
  const { forceAuthn, isPassive, nameIdPolicy, context, subject, id } = message;
  return {
    entityId: sp.entityId,
    requestId: id,
    acsUrl: acs.url,
    relayState,
    receivedAt: now,
    forceAuthn,
    isPassive,
    nameIdPolicy,
    context,
    subject,
    proven: undefined,
    ended: undefined,
  };
}

async function respond(deps: SsoRouterDeps, req: Request, res: Response): Promise<Reply> {
  const id = req.params["id"];
  const found = typeof id === "string" ? await deps.gate.find(req, id) : "expired";
  if (found === "no_cookie") throw new IdpError("COOKIES_MISSING");
  if (found === "expired" || typeof id !== "string") return outOfDate(deps);
  const { request, sp } = found;
  const answer = await evaluate(deps, { req, res }, request, sp);
  if (answer.kind === "ask") return { kind: "redirect", to: localPath(`/login/saml/${id}`) };
  const response = await issue(deps, request, sp, answer);
  if (!(await deps.requests.answer(id))) return outOfDate(deps);
  const { client_ip, session } = deps.facts.of(req);
  const account = answer.kind === "success" ? { account: answer.account.name } : { reason: answer.second };
  deps.audit.record({
    event: answer.kind === "success" ? "saml_response" : "saml_status",
    saml_entity_id: sp.entityId,
    address: client_ip,
    reference: session,
    ...account,
  });
  const relayState = request.relayState === undefined ? [] : [{ name: "RelayState", value: request.relayState }];
  return {
    kind: "page",
    name: "saml/post",
    model: { app: sp.name, action: request.acsUrl, fields: [{ name: "SAMLResponse", value: response }, ...relayState] },
    headers: { "Content-Security-Policy": postPolicy(request.acsUrl) },
  };
}

function outOfDate({ lifetime }: SsoRouterDeps): Reply {
  return {
    kind: "page",
    name: "login/outofdate",
    model: { startHref: undefined, minutes: Math.round(lifetime / 60_000) },
    status: 410,
  };
}

/**
 * The policy of a page that posts to a provider. Browsers hold the whole redirect chain behind a form to `form-action`, and only the
 * provider knows where it sends people on to: the scheme is all that can be said.
 */
export function postPolicy(target: string): string {
  const schemes = target.startsWith("https:") ? "https:" : "https: http:";
  return `default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action ${schemes}`;
}
