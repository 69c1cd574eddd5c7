import { type Request, type Response, Router } from "express";
import {
  type Csrf,
  formBody,
  localPath,
  methodNotAllowed,
  type Note,
  type Pages,
  preferencesOf,
  type Reply,
  route,
} from "../http/index.ts";
import { IdpError } from "../kernel/index.ts";
import type { Access } from "./access.ts";
import type { Fields } from "./answers.ts";
import type { Attempt } from "./attempts.ts";
import type { RequestFacts } from "./facts.ts";
import type { SignInGate, SignInRequest } from "./gate.ts";
import { type LoginPage, pageOf } from "./pages.ts";
import type { LoginService, StepResult } from "./service.ts";

export interface LoginRouterDeps {
  readonly gates: readonly SignInGate[];
  readonly service: LoginService;
  readonly access: Access;
  readonly csrf: Csrf;
  readonly pages: Pages;
  readonly facts: RequestFacts;
  readonly forgotHref: string | undefined;
  readonly offerRemember: boolean;
  /** Minutes an attempt lives, for the out-of-date page. */
  readonly minutes: number;
  /** A scope in words, in the person's language. */
  readonly scopeTitle: (req: Request, request: SignInRequest, scope: string) => string;
}

/** The steps of a sign-in: `GET` shows where the attempt stands, `POST` answers the form shown. */
export function loginRouter(deps: LoginRouterDeps): Router {
  const router = Router();
  for (const gate of deps.gates) {
    const path = `/login/${gate.via}/:id`;
    router.get(
      path,
      route((req, res) => show({ ...deps, gate, req, res })),
    );
    router.post(
      path,
      formBody(),
      route((req, res) => answer({ ...deps, gate, req, res })),
    );
    router.all(path, methodNotAllowed(["GET", "POST"]));
  }
  return router;
}

type Visit = LoginRouterDeps & { readonly gate: SignInGate; readonly req: Request; readonly res: Response };

function open({ gate, req, res }: Visit): Promise<SignInRequest | "expired" | "no_cookie"> {
  const id = req.params["id"];
  return typeof id === "string" ? gate.open(req, res, id) : Promise.resolve("expired");
}

async function show(visit: Visit): Promise<Reply> {
  const request = await open(visit);
  if (typeof request === "string") return closed(visit, request);
  const attempt = await visit.service.open(request);
  if (attempt.state.at === "done") return { kind: "redirect", to: localPath(await finish(visit, request, attempt)) };
  return view(visit, request, attempt, {});
}

async function answer(visit: Visit): Promise<Reply> {
  const request = await open(visit);
  if (typeof request === "string") return closed(visit, request);
  const attempt = await visit.service.open(request);
  const fields = visit.req.body as Fields;
  const form = formOf(visit, request, attempt, fields["csrf"] ?? "");
  if (form === "foreign") throw new IdpError("ATTEMPT_FOREIGN");
  // A form that was used already is a double click or the back button: its running answer, or where the attempt stands now.
  const running = form === "spent" ? visit.service.running(request, attempt.step - 1) : undefined;
  if (form === "spent" && running === undefined) return here(visit, request);
  const result = await (running ?? visit.service.answer(request, attempt, fields, visit.facts.of(visit.req)));
  return replyTo(visit, request, attempt, result);
}

/** Whether a form belongs to the attempt's present step, to an earlier one, or to nobody we know. */
function formOf(
  { csrf }: Visit,
  request: SignInRequest,
  attempt: Attempt,
  token: string,
): "current" | "spent" | "foreign" {
  if (csrf.verify(bindingOf(request, attempt.step), token)) return "current";
  for (let step = attempt.step - 1; step >= 0; step -= 1)
    if (csrf.verify(bindingOf(request, step), token)) return "spent";
  return "foreign";
}

function bindingOf(request: SignInRequest, step: number): string {
  return `login:${request.id}:${step}`;
}

async function replyTo(visit: Visit, request: SignInRequest, before: Attempt, result: StepResult): Promise<Reply> {
  switch (result.kind) {
    case "moved":
      return result.attempt.state.at === "done" ? handOff(visit, request, result.attempt) : here(visit, request);
    case "stale":
      return here(visit, request);
    case "throttled": {
      const minutes = Math.ceil(result.retryAfterMs / 60_000);
      const headers = { "Retry-After": String(Math.ceil(result.retryAfterMs / 1000)) };
      return view(visit, request, before, {
        status: 429,
        headers,
        note: notes(visit, request).throttled(minutes),
        username: result.username,
      });
    }
    case "unavailable": {
      const reference = visit.facts.of(visit.req).session;
      const headers = { "Retry-After": "30" };
      return view(visit, request, before, {
        status: 503,
        headers,
        note: notes(visit, request).unavailable(reference),
        username: result.username,
      });
    }
    default:
      return result satisfies never;
  }
}

function finish({ gate, req, res }: Visit, request: SignInRequest, attempt: Attempt): Promise<string> {
  if (attempt.state.at !== "done")
    throw new IdpError("INTERNAL", { because: "an unfinished attempt cannot be handed on" });
  return gate.finish(req, res, request, attempt.state.outcome);
}

/** A POST that completes answers 200: a redirect chain of a POST is held to `form-action 'self'` by browsers. */
async function handOff(visit: Visit, request: SignInRequest, attempt: Attempt): Promise<Reply> {
  const href = localPath(await finish(visit, request, attempt));
  return {
    kind: "page",
    name: "login/handoff",
    model: { app: request.app, href },
    headers: { "Referrer-Policy": "no-referrer" },
    ...languageOf(request),
  };
}

function here({ gate }: Visit, request: SignInRequest): Reply {
  return { kind: "redirect", to: localPath(`/login/${gate.via}/${encodeURIComponent(request.id)}`) };
}

/** There is nothing to go on with: too late, or the browser did not send the cookie that ties it to the request. */
function closed({ minutes }: Visit, why: "expired" | "no_cookie"): Reply {
  if (why === "no_cookie") throw new IdpError("COOKIES_MISSING");
  return { kind: "page", name: "login/outofdate", model: { startHref: undefined, minutes }, status: 410 };
}

function languageOf(request: SignInRequest): { uiLocales?: string } {
  return request.uiLocales === undefined ? {} : { uiLocales: request.uiLocales };
}

interface Shown {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly note?: Note;
  readonly username?: string;
}

async function view(visit: Visit, request: SignInRequest, attempt: Attempt, shown: Shown): Promise<Reply> {
  const { csrf, gate, req, forgotHref, offerRemember, scopeTitle } = visit;
  const failed = shown.note === undefined ? attempt.failure : undefined;
  const typed = shown.username === undefined ? failed : { username: shown.username, remember: false };
  const note = shown.note ?? (failed === undefined ? undefined : notes(visit, request).failed(failed.message));
  const account = await accountFor(visit, request, attempt);
  const found: LoginPage | undefined = pageOf(attempt.state, {
    request,
    csrf: csrf.tokenFor(bindingOf(request, attempt.step)),
    action: `/login/${gate.via}/${encodeURIComponent(request.id)}`,
    forgotHref,
    offerRemember,
    invalid: failed !== undefined,
    scopeTitle: (scope) => scopeTitle(req, request, scope),
    ...(note === undefined ? {} : { note }),
    ...(typed === undefined ? {} : { typed }),
    ...(account === undefined ? {} : { account }),
  });
  if (found === undefined) return here(visit, request);
  return {
    kind: "page",
    ...found,
    status: shown.status ?? 200,
    headers: shown.headers ?? {},
    ...languageOf(request),
  };
}

/** What the consent page shows as values; without an answer of the backend it shows none. */
async function accountFor({ access, facts, req }: Visit, request: SignInRequest, attempt: Attempt) {
  if (attempt.state.at !== "consent") return undefined;
  const context = { ...facts.of(req), ...request.application, grant_type: "" };
  const decision = await access.decide(attempt.state.account, request.rule, context);
  return decision.code === "allowed" ? decision.account : undefined;
}

function notes({ pages, req }: Visit, request: SignInRequest) {
  const { t } = pages.translator({ ...preferencesOf(req), ...languageOf(request) });
  return {
    failed: (message: string | undefined): Note => ({
      tone: "danger",
      title: t("login.failed.title"),
      text: message ?? t("login.failed.text"),
    }),
    throttled: (minutes: number): Note => ({
      tone: "warning",
      title: t("login.throttled.title"),
      text: t("login.throttled.text", { minutes }),
    }),
    unavailable: (ref: string): Note => ({
      tone: "warning",
      title: t("login.unavailable.title"),
      text: t("login.unavailable.text", { ref }),
    }),
  };
}
