import type { Request, Response } from "express";
import type { Csrf } from "../../http/index.ts";
import type { LoginOutcome, SignInGate, SignInRequest } from "../../login/index.ts";
import type { ServiceProvider, ServiceProviders } from "../sp/model.ts";
import { type AnswerDeps, evaluate } from "./answer.ts";
import { applicationOf } from "./application.ts";
import { demandOf } from "./decide.ts";
import type { PendingRequest, PendingRequests } from "./requests.ts";

export interface SamlGateDeps extends AnswerDeps {
  readonly requests: PendingRequests;
  readonly providers: ServiceProviders;
  readonly csrf: Csrf;
  readonly isSecure: boolean;
  /** Milliseconds a sign-in may take. */
  readonly lifetime: number;
}

export interface SamlGate extends SignInGate {
  /** Ties a request to this browser and returns the address of its sign-in. */
  bind(res: Response, id: string): string;
  /** The request behind an id, for the browser it is tied to. */
  find(req: Request, id: string): Promise<{ request: PendingRequest; sp: ServiceProvider } | "expired" | "no_cookie">;
}

/** SAML's side of a sign-in: stored requests as {@link SignInRequest}s; every outcome leads to a new round that is evaluated afresh. */
export function createSamlGate(deps: SamlGateDeps): SamlGate {
  const cookie = deps.isSecure ? "__Secure-moonlatch_saml" : "moonlatch_saml";
  const pathOf = (id: string): string => `/login/saml/${encodeURIComponent(id)}`;
  const bind = (res: Response, id: string): string => {
    // Below the sign-in's own address, so that two tabs do not take each other's.
    res.cookie(cookie, deps.csrf.tokenFor(`saml:${id}`), {
      httpOnly: true,
      sameSite: "lax",
      secure: deps.isSecure,
      path: pathOf(id),
      maxAge: deps.lifetime,
    });
    return pathOf(id);
  };
  const find: SamlGate["find"] = async (req, id) => {
    const request = await deps.requests.find(id);
    const sp = request === undefined ? undefined : deps.providers.find(request.entityId);
    const sent = cookieValue(req, cookie);
    if (sent === undefined) return "no_cookie";
    if (!deps.csrf.verify(`saml:${id}`, sent) || request === undefined || sp === undefined) return "expired";
    return { request, sp };
  };
  return {
    via: "saml",
    bind,
    find,
    async open(req, res, id) {
      const found = await find(req, id);
      if (typeof found === "string") return found;
      const { request, sp } = found;
      const answer = await evaluate(deps, { req, res }, request, sp);
      return signInRequest(id, request, sp, {
        initial: answer.kind === "ask" ? answer.state : { at: "done", outcome: { kind: "nothing_to_ask" } },
        demand: demandOf(request, sp, deps.highest()) ?? {
          ...sp.settings.policy,
          essential: 1,
          wish: 1,
          allowTrust: true,
        },
        expiresAt: request.receivedAt + deps.lifetime,
      });
    },
    async finish(req, res, { id }, outcome) {
      if (outcome.kind === "nothing_to_ask") return `${pathOf(id)}/response`;
      if (outcome.kind === "signed_in") await deps.sessions.signIn(req, res, outcome);
      const next = await deps.requests.moveOn(id, {
        ended: endOf(outcome),
        proven: outcome.kind === "signed_in" ? outcome.account.subject : undefined,
      });
      return next === undefined ? pathOf(id) : bind(res, next);
    },
  };
}

function endOf(outcome: LoginOutcome): PendingRequest["ended"] {
  if (outcome.kind === "cancelled") return "cancelled";
  if (outcome.kind === "demand_unmet") return "unmet";
  return outcome.kind === "application_refused" ? "refused" : undefined;
}

function signInRequest(
  id: string,
  request: PendingRequest,
  sp: ServiceProvider,
  rest: Pick<SignInRequest, "initial" | "expiresAt" | "demand">,
): SignInRequest {
  return {
    id,
    protocol: "saml",
    application: applicationOf(sp, request),
    rule: { allow_groups: sp.settings.allowGroups },
    app: sp.name,
    details: { host: new URL(request.acsUrl).host, policyUri: undefined, tosUri: undefined, granted: [] },
    uiLocales: undefined,
    ...rest,
  };
}

function cookieValue(req: Request, name: string): string | undefined {
  const pair = (req.headers.cookie ?? "").split("; ").find((one) => one.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}
