import type { ChangeOutcome, Enrolled } from "../factors/index.ts";
import type { EnrolModel, PageModels, Reply } from "../http/index.ts";
import { IdpError } from "../kernel/index.ts";
import {
  capabilities,
  changed,
  enrolledOf,
  type Flash,
  flash,
  type PortalVisit,
  placeOf,
  portalOf,
  tokenOf,
  translatorOf,
} from "./visit.ts";

export const METHODS = "/account/methods";
export const keyPath = (id: string): string => `${METHODS}/keys/${encodeURIComponent(id)}`;

/** Recovery codes stand in for something; without it there is nothing to recover. */
export function hasFactor({ totp, credentials }: Enrolled): boolean {
  return totp !== "none" || credentials.length > 0;
}

export function enrolModel(visit: PortalVisit, action: string): EnrolModel {
  const { display_name: name, name: account } = visit.session.account;
  return {
    app: undefined,
    action,
    csrf: tokenOf(visit),
    who: { name, account, switchHref: undefined },
    note: undefined,
    fieldError: undefined,
    other: false,
    switchable: false,
    leave: false,
    cancelHref: METHODS,
  };
}

export function refuseMissing(isThere: boolean): void {
  if (!isThere) throw new IdpError("NOT_FOUND");
}

/** What a change that was not made says. @throws IdpError BACKEND_UNAVAILABLE */
export function refusalOf(visit: PortalVisit, outcome: Exclude<ChangeOutcome, { code: "done" }>): string {
  if (outcome.code === "unavailable") throw new IdpError("BACKEND_UNAVAILABLE", { because: outcome.reason });
  return translatorOf(visit).t(`factor.${outcome.why}`);
}

/** Setting something up proves that one has it. The first second step brings recovery codes along. */
export async function afterAdding(
  visit: PortalVisit,
  method: "totp" | "webauthn",
  result: Flash,
  to = METHODS,
): Promise<Reply> {
  const { sessions, factors, session, clock, req, res } = visit;
  const { account, remember, isTrusted } = session;
  await factors.enrolmentCodes.close(account);
  await sessions.signIn(req, res, {
    account,
    remember,
    isTrusted,
    proofs: [{ method, at: Math.floor(clock.now() / 1000) }],
  });
  await changed(visit, undefined);
  const { recoveryCodes } = await enrolledOf(visit);
  const isFirst = recoveryCodes.length === 0 && capabilities(visit).recovery;
  return flash(visit, isFirst ? `${METHODS}/codes` : to, result);
}

/** Recovery codes stand in for a second step; where none is left they would be one by themselves. */
export async function dropCodesOfNothing(visit: PortalVisit): Promise<void> {
  const { totp, credentials, recoveryCodes } = await enrolledOf(visit);
  if (totp === "none" && credentials.length === 0 && recoveryCodes.length > 0)
    await visit.factors.changes.setCodes(placeOf(visit), []);
}

export async function failed(visit: PortalVisit, text: string): Promise<Reply> {
  await changed(visit, undefined);
  return flash(visit, METHODS, { key: "gone", tone: "warning", params: { text } });
}

interface Asked {
  readonly what: PageModels["account/confirm"]["what"];
  readonly name: string;
  readonly isLast: boolean;
  readonly action: string;
}

export function confirmation(visit: PortalVisit, { what, name, isLast, action }: Asked): Reply {
  const { t } = translatorOf(visit);
  const warning = { tone: "warning", title: t("confirm.last.title"), text: t("confirm.last.text") } as const;
  return {
    kind: "page",
    name: "account/confirm",
    model: {
      portal: portalOf(visit, "methods"),
      note: undefined,
      what,
      name,
      warning: isLast ? warning : undefined,
      action,
      csrf: tokenOf(visit),
      fields: [],
      backHref: METHODS,
    },
  };
}
