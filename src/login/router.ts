import { type Request, type Response, Router } from "express";
import { exactRouter, formBody, localPath, methodNotAllowed, type Reply, route } from "../http/index.ts";
import { IdpError } from "../kernel/index.ts";
import type { Fields } from "./answers.ts";
import type { Attempt } from "./attempts.ts";
import { ceremonyOf } from "./ceremony.ts";
import { codesFile } from "./codes-file.ts";
import type { SignInRequest } from "./gate.ts";
import { type Browser, contextOf, placeOf, type StepResult } from "./service.ts";
import { formBinding, languageOf, view } from "./view.ts";
import type { LoginRouterDeps, Visit } from "./visit.ts";

/** The steps of a sign-in: `GET` shows where the attempt stands, `POST` answers the form shown. */
export function loginRouter(deps: LoginRouterDeps): Router {
  const router = exactRouter();
  for (const gate of deps.gates) {
    const path = `/login/${gate.via}/:id`;
    const visit = (req: Request, res: Response): Visit => ({ ...deps, gate, req, res });
    router.get(
      path,
      route((req, res) => show(visit(req, res))),
    );
    router.post(
      path,
      formBody(),
      route((req, res) => answer(visit(req, res))),
    );
    router.all(path, methodNotAllowed(["GET", "POST"]));
    router.post(
      `${path}/options`,
      formBody(),
      route((req, res) => options(visit(req, res))),
    );
    router.get(
      `${path}/codes.txt`,
      route((req, res) => download(visit(req, res))),
    );
  }
  return router;
}

function open({ gate, req, res }: Visit): Promise<SignInRequest | "expired" | "no_cookie"> {
  const id = req.params["id"];
  return typeof id === "string" ? gate.open(req, res, id) : Promise.resolve("expired");
}

function browserOf({ facts, devices, keyName, req }: Visit): Browser {
  const connection = facts.of(req);
  return { facts: connection, device: devices.of(req), keyName: () => keyName(connection.user_agent) };
}

async function show(visit: Visit): Promise<Reply> {
  const request = await open(visit);
  if (typeof request === "string") return closed(visit, request);
  const attempt = await visit.service.open(request, browserOf(visit));
  if (attempt.state.at === "done") return { kind: "redirect", to: localPath(await finish(visit, request, attempt)) };
  return view(visit, request, attempt, {});
}

async function answer(visit: Visit): Promise<Reply> {
  const request = await open(visit);
  if (typeof request === "string") return closed(visit, request);
  const browser = browserOf(visit);
  const attempt = await visit.service.open(request, browser);
  const fields = visit.req.body as Fields;
  const form = formOf(visit, request, attempt, fields["csrf"] ?? "");
  if (form === "foreign") throw new IdpError("ATTEMPT_FOREIGN");
  // A form that was used already is a double click or the back button: its running answer, or where the attempt stands now.
  const running = form === "spent" ? visit.service.running(request, attempt.step - 1) : undefined;
  if (form === "spent" && running === undefined) return here(visit, request);
  const result = await (running ?? visit.service.answer(request, attempt, fields, browser));
  return replyTo(visit, request, attempt, result);
}

/** The options of a WebAuthn ceremony, for the step the attempt is at and no other. */
async function options(visit: Visit): Promise<Reply> {
  const request = await open(visit);
  if (typeof request === "string") throw new IdpError("ATTEMPT_FOREIGN");
  const browser = browserOf(visit);
  const attempt = await visit.service.open(request, browser);
  const fields = visit.req.body as Fields;
  if (formOf(visit, request, attempt, fields["csrf"] ?? "") !== "current") throw new IdpError("ATTEMPT_FOREIGN");
  const made = await ceremonyOf(visit.factors, request, attempt.state, contextOf(request, browser.facts));
  if (made === undefined) throw new IdpError("ATTEMPT_FOREIGN");
  if ("code" in made) throw new IdpError("BACKEND_UNAVAILABLE", { because: made.reason });
  return { kind: "json", body: made };
}

/** The recovery codes as a file, while they may still be seen. */
async function download(visit: Visit): Promise<Reply> {
  const request = await open(visit);
  if (typeof request === "string") return closed(visit, request);
  const attempt = await visit.service.open(request, browserOf(visit));
  if (attempt.state.at !== "codes") return here(visit, request);
  const { account } = attempt.state;
  const codes = await visit.factors.enrolling.pendingCodes(
    placeOf(request, { account, context: contextOf(request, visit.facts.of(visit.req)) }),
  );
  if (codes === undefined) return here(visit, request);
  return codesFile(codes);
}

/** Whether a form belongs to the attempt's present step, to an earlier one, or to nobody we know. */
function formOf(
  { csrf }: Visit,
  request: SignInRequest,
  attempt: Attempt,
  token: string,
): "current" | "spent" | "foreign" {
  if (csrf.verify(formBinding(request, attempt.step), token)) return "current";
  for (let step = attempt.step - 1; step >= 0; step -= 1)
    if (csrf.verify(formBinding(request, step), token)) return "spent";
  return "foreign";
}

async function replyTo(visit: Visit, request: SignInRequest, before: Attempt, result: StepResult): Promise<Reply> {
  switch (result.kind) {
    case "moved":
      return result.attempt.state.at === "done" ? handOff(visit, request, result.attempt) : here(visit, request);
    case "stale":
      return here(visit, request);
    case "throttled": {
      const headers = { "Retry-After": String(Math.ceil(result.retryAfterMs / 1000)) };
      return view(visit, request, before, {
        status: 429,
        headers,
        throttledFor: result.retryAfterMs,
        ...nameIn(result),
      });
    }
    case "unavailable":
      return view(visit, request, before, {
        status: 503,
        headers: { "Retry-After": "30" },
        isUnavailable: true,
        ...nameIn(result),
      });
    default:
      return result satisfies never;
  }
}

function nameIn({ username }: { readonly username?: string }): { username?: string } {
  return username === undefined ? {} : { username };
}

/** Hands the outcome to the protocol; a browser that signed in is remembered before. */
async function finish(
  { gate, req, res, devices, facts }: Visit,
  request: SignInRequest,
  attempt: Attempt,
): Promise<string> {
  if (attempt.state.at !== "done")
    throw new IdpError("INTERNAL", { because: "an unfinished attempt cannot be handed on" });
  const { outcome } = attempt.state;
  if (outcome.kind === "signed_in") {
    const { account, typed, trust, proofs } = outcome;
    const names = typed === undefined ? [account.name] : [account.name, typed];
    const hasFactor = proofs.some(({ method }) => method !== "password");
    const device = await devices.remember(req, res, names, hasFactor);
    if (trust) await devices.trust(device, account.subject, facts.of(req).user_agent);
  }
  return gate.finish(req, res, request, outcome);
}

/** A POST that completes answers 200: a redirect chain of a POST is held to `form-action 'self'` by browsers. */
async function handOff(visit: Visit, request: SignInRequest, attempt: Attempt): Promise<Reply> {
  const href = localPath(await finish(visit, request, attempt));
  // Our own pages: nothing leaves this origin.
  if (visit.gate.via === "account") return { kind: "redirect", to: href };
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
