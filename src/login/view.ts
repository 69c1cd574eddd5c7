import type { PendingTotp } from "../factors/index.ts";
import { type Note, preferencesOf, type Reply } from "../http/index.ts";
import type { AccessAccount } from "./access.ts";
import type { Attempt, Failure } from "./attempts.ts";
import type { SignInRequest } from "./gate.ts";
import { type LoginPage, pageOf } from "./pages.ts";
import { contextOf, placeOf } from "./service.ts";
import type { Visit } from "./visit.ts";

/** What became of the form just sent, where the attempt itself does not tell. */
export interface Shown {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly throttledFor?: number;
  readonly isUnavailable?: boolean;
  readonly username?: string;
}

/** What a form is for: it is good for one step of one attempt. */
export function formBinding(request: SignInRequest, step: number): string {
  return `login:${request.id}:${step}`;
}

export function languageOf(request: SignInRequest): { uiLocales?: string } {
  return request.uiLocales === undefined ? {} : { uiLocales: request.uiLocales };
}

/** The page of an attempt as it stands. */
export async function view(visit: Visit, request: SignInRequest, attempt: Attempt, shown: Shown): Promise<Reply> {
  const { csrf, gate, req, scopeTitle } = visit;
  const isFresh = shown.throttledFor === undefined && shown.isUnavailable !== true;
  const failure = isFresh ? attempt.failure : undefined;
  const note = noteOf(visit, request, attempt, { ...shown, failure });
  const account = await accountFor(visit, request, attempt);
  const typed = typedName(shown, failure);
  const found: LoginPage | undefined = pageOf(attempt.state, {
    request,
    csrf: csrf.tokenFor(formBinding(request, attempt.step)),
    action: `/login/${gate.via}/${encodeURIComponent(request.id)}`,
    forgotHref: visit.forgotHref,
    offerRemember: visit.offerRemember,
    offerPasskey: visit.offerPasskey(),
    invalid: failure?.kind === "password",
    scopeTitle: (scope) => scopeTitle(req, request, scope),
    factor: {
      trustDays: request.demand.allowTrust ? visit.trustDays : undefined,
      fieldError: fieldError(visit, request, failure),
      ...(await secretsFor(visit, request, attempt)),
      date: new Date(visit.clock.now()).toISOString().slice(0, 10),
    },
    ...(note === undefined ? {} : { note }),
    ...(typed === undefined ? {} : { typed }),
    ...(account === undefined ? {} : { account }),
  });
  if (found === undefined) return outOfDate(visit);
  return { kind: "page", ...found, status: shown.status ?? 200, headers: shown.headers ?? {}, ...languageOf(request) };
}

function outOfDate({ minutes }: Visit): Reply {
  return { kind: "page", name: "login/outofdate", model: { startHref: undefined, minutes }, status: 410 };
}

function typedName(shown: Shown, failure: Failure | undefined) {
  if (shown.username !== undefined) return { username: shown.username, remember: false };
  return failure?.kind === "password" ? failure : undefined;
}

/** What the consent page shows as values; without an answer of the backend it shows none. */
async function accountFor(
  { access, facts, req }: Visit,
  request: SignInRequest,
  attempt: Attempt,
): Promise<AccessAccount | undefined> {
  if (attempt.state.at !== "consent") return undefined;
  const decision = await access.decide(attempt.state.account, request.rule, contextOf(request, facts.of(req)));
  return decision.code === "allowed" ? decision.account : undefined;
}

/** The secrets a page hands to their owner: a new app's key, new recovery codes. Made when there are none yet. */
async function secretsFor(
  { factors, facts, req }: Visit,
  request: SignInRequest,
  { state }: Attempt,
): Promise<{ totp: PendingTotp | undefined; codes: readonly string[] }> {
  if (state.at !== "enrol" && state.at !== "codes") return { totp: undefined, codes: [] };
  const place = placeOf(request, { account: state.account, context: contextOf(request, facts.of(req)) });
  if (state.at === "enrol")
    return { totp: state.chosen === "totp" ? await factors.enrolling.beginTotp(place) : undefined, codes: [] };
  const codes = (await factors.enrolling.pendingCodes(place)) ?? (await factors.enrolling.beginCodes(place));
  return { totp: undefined, codes: codes.map((code) => code.expose()) };
}

function translatorOf({ pages, req }: Visit, request: SignInRequest) {
  return pages.translator({ ...preferencesOf(req), ...languageOf(request) }).t;
}

/** Beside the field: what was wrong with what was typed there. */
function fieldError(visit: Visit, request: SignInRequest, failure: Failure | undefined): string | undefined {
  if (failure?.kind !== "factor") return undefined;
  const t = translatorOf(visit, request);
  const text = t(`factor.${failure.why}`);
  // Three misses in a row are seldom typing errors.
  return failure.why === "totp.wrong" && failure.misses >= 3 ? `${text} ${t("factor.totp.clock")}` : text;
}

/** Minutes up to two hours, then hours. */
function waitOf(milliseconds: number): { readonly minutes: number; readonly hours: number } {
  const minutes = Math.ceil(milliseconds / 60_000);
  return { minutes, hours: minutes <= 120 ? 0 : Math.ceil(minutes / 60) };
}

/** Above the fields: what is wrong with the whole try. */
function noteOf(
  visit: Visit,
  request: SignInRequest,
  { state }: Attempt,
  shown: Shown & { readonly failure: Failure | undefined },
): Note | undefined {
  const t = translatorOf(visit, request);
  const about = state.at === "identify" ? "login" : "factor";
  const { throttledFor, failure } = shown;
  if (throttledFor !== undefined) {
    const text = t(`${about}.throttled.text`, waitOf(throttledFor));
    return { tone: "warning", title: t(`${about}.throttled.title`), text };
  }
  if (shown.isUnavailable === true) {
    const text = t(`${about}.unavailable.text`, { ref: visit.facts.of(visit.req).session });
    return { tone: "warning", title: t(`${about}.unavailable.title`), text };
  }
  if (failure?.kind === "password")
    return { tone: "danger", title: t("login.failed.title"), text: failure.message ?? t("login.failed.text") };
  // A passkey that was refused on the first page has no field to stand beside.
  if (failure?.kind === "factor" && (state.at === "identify" || state.at === "codes"))
    return { tone: "danger", title: t("login.failed.title"), text: t(`factor.${failure.why}`) };
  return undefined;
}
