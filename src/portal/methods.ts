import type { ChangeOutcome, Enrolled } from "../factors/index.ts";
import { type EnrolModel, localPath, type PageModels, type Reply } from "../http/index.ts";
import { IdpError } from "../kernel/index.ts";
import { codesFile, totpModel } from "../login/index.ts";
import {
  capabilities,
  changed,
  enrolledOf,
  type Flash,
  flash,
  type PortalVisit,
  placeOf,
  portalOf,
  takeFlash,
  tokenOf,
  translatorOf,
  whenOf,
} from "./visit.ts";

type Fields = Readonly<Record<string, string>>;
const METHODS = "/account/methods";
const keyPath = (id: string): string => `${METHODS}/keys/${encodeURIComponent(id)}`;

/** The list of everything a person can sign in with. */
export async function showMethods(visit: PortalVisit): Promise<Reply> {
  const { links } = visit;
  const enrolled = await enrolledOf(visit);
  const can = capabilities(visit);
  const note = await takeFlash(visit);
  const signal =
    note === undefined || enrolled.unreadableCredentials.length > 0 ? undefined : signalOf(visit, enrolled);
  const totp: PageModels["account/methods"]["totp"] = {
    state: enrolled.totp,
    addHref: can.totp ? `${METHODS}/totp` : undefined,
    removeHref: can.removeTotp && enrolled.totp !== "none" ? `${METHODS}/totp/remove` : undefined,
  };
  return {
    kind: "page",
    name: "account/methods",
    model: {
      portal: portalOf(visit, "methods"),
      note,
      keys: can.webauthn || enrolled.credentials.length > 0 ? await keysOf(visit, enrolled) : undefined,
      signal,
      totp: can.totp || enrolled.totp !== "none" ? totp : undefined,
      codes: can.recovery && hasFactor(enrolled) ? { left: enrolled.recoveryCodes.length } : undefined,
      changePasswordHref: links.changePassword,
      forgotPasswordHref: links.forgotPassword,
    },
  };
}

/** Recovery codes stand in for something; without it there is nothing to recover. */
function hasFactor({ totp, credentials }: Enrolled): boolean {
  return totp !== "none" || credentials.length > 0;
}

function signalOf({ factors, session }: PortalVisit, { credentials }: Enrolled) {
  return {
    ids: credentials.map(({ id }) => id).join(" "),
    rp: factors.party.id,
    user: factors.handleOf(session.account),
  };
}

function keysOf(visit: PortalVisit, { credentials }: Enrolled) {
  const can = capabilities(visit);
  return Promise.all(
    credentials.map(async ({ id, name, synced, lastUsed }) => {
      const added = await visit.factors.addedAt(visit.session.account, id);
      return {
        name: name === "" ? "Passkey" : name,
        synced,
        added: added === undefined ? undefined : whenOf(visit, added),
        lastUsed: lastUsed === undefined ? undefined : whenOf(visit, lastUsed),
        renameHref: can.renameKeys ? keyPath(id) : undefined,
        removeHref: can.removeKeys ? `${keyPath(id)}/remove` : undefined,
      };
    }),
  );
}

function base(visit: PortalVisit, action: string): EnrolModel {
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

function refuseMissing(isThere: boolean): void {
  if (!isThere) throw new IdpError("NOT_FOUND");
}

/** What a change that was not made says. @throws IdpError BACKEND_UNAVAILABLE */
function refusalOf(visit: PortalVisit, outcome: Exclude<ChangeOutcome, { code: "done" }>): string {
  if (outcome.code === "unavailable") throw new IdpError("BACKEND_UNAVAILABLE", { because: outcome.reason });
  return translatorOf(visit).t(`factor.${outcome.why}`);
}

export async function showTotp(visit: PortalVisit, fieldError?: string): Promise<Reply> {
  refuseMissing(capabilities(visit).totp);
  const pending = await visit.factors.enrolling.beginTotp(placeOf(visit));
  const model = { ...base(visit, `${METHODS}/totp`), ...totpModel(pending), fieldError };
  return { kind: "page", name: "enrol/totp", model };
}

export async function confirmTotp(visit: PortalVisit, fields: Fields): Promise<Reply> {
  const outcome = await visit.factors.enrolling.confirmTotp(placeOf(visit), fields["code"] ?? "");
  if (outcome.code !== "done") return showTotp(visit, refusalOf(visit, outcome));
  return afterAdding(visit, "totp", { key: "totp", tone: "success" });
}

/** Setting something up proves that one has it. The first second step brings recovery codes along. */
async function afterAdding(
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

export async function askRemoveTotp(visit: PortalVisit): Promise<Reply> {
  const enrolled = await enrolledOf(visit);
  refuseMissing(capabilities(visit).removeTotp && enrolled.totp !== "none");
  const isLast = enrolled.credentials.length === 0;
  return confirmation(visit, { what: "totp", name: "", isLast, action: `${METHODS}/totp/remove` });
}

export async function removeTotp(visit: PortalVisit): Promise<Reply> {
  const outcome = await visit.factors.changes.removeTotp(placeOf(visit));
  if (outcome.code !== "done") return failed(visit, refusalOf(visit, outcome));
  await dropCodesOfNothing(visit);
  await changed(visit, undefined);
  return flash(visit, METHODS, { key: "totpOff", tone: "success" });
}

/** Recovery codes stand in for a second step; where none is left they would be one by themselves. */
async function dropCodesOfNothing(visit: PortalVisit): Promise<void> {
  const { totp, credentials, recoveryCodes } = await enrolledOf(visit);
  if (totp === "none" && credentials.length === 0 && recoveryCodes.length > 0)
    await visit.factors.changes.setCodes(placeOf(visit), []);
}

async function failed(visit: PortalVisit, text: string): Promise<Reply> {
  await changed(visit, undefined);
  return flash(visit, METHODS, { key: "gone", tone: "warning", params: { text } });
}

interface Asked {
  readonly what: PageModels["account/confirm"]["what"];
  readonly name: string;
  readonly isLast: boolean;
  readonly action: string;
}

function confirmation(visit: PortalVisit, { what, name, isLast, action }: Asked): Reply {
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

export function showNewKey(visit: PortalVisit, fieldError?: string): Reply {
  refuseMissing(capabilities(visit).webauthn);
  const action = `${METHODS}/keys/new`;
  return {
    kind: "page",
    name: "enrol/key",
    model: { ...base(visit, action), fieldError, optionsHref: `${action}/options` },
  };
}

export async function newKeyOptions(visit: PortalVisit): Promise<Reply> {
  const options = await visit.factors.enrolling.beginKey(placeOf(visit));
  if ("code" in options) throw new IdpError("BACKEND_UNAVAILABLE", { because: options.reason });
  return { kind: "json", body: options };
}

export async function addKey(visit: PortalVisit, fields: Fields): Promise<Reply> {
  const suggested = visit.keyName(visit.context.user_agent);
  const outcome = await visit.factors.enrolling.finishKey(placeOf(visit), fields["answer"] ?? "", suggested);
  if (outcome.code !== "done") return showNewKey(visit, refusalOf(visit, outcome));
  return afterAdding(
    visit,
    "webauthn",
    { key: "key", tone: "success", params: { name: outcome.name } },
    `${keyPath(outcome.id)}?new=1`,
  );
}

async function keyOf(visit: PortalVisit) {
  const enrolled = await enrolledOf(visit);
  const key = enrolled.credentials.find(({ id }) => id === visit.id);
  if (key === undefined) throw new IdpError("NOT_FOUND");
  return { key, enrolled };
}

export async function showRename(visit: PortalVisit): Promise<Reply> {
  const { key } = await keyOf(visit);
  return {
    kind: "page",
    name: "account/rename",
    model: {
      portal: portalOf(visit, "methods"),
      note: await takeFlash(visit),
      action: keyPath(key.id),
      csrf: tokenOf(visit),
      name: key.name,
      isNew: visit.req.query["new"] === "1",
      backHref: METHODS,
    },
  };
}

export async function rename(visit: PortalVisit, fields: Fields): Promise<Reply> {
  const outcome = await visit.factors.changes.renameKey(placeOf(visit), visit.id, fields["name"] ?? "");
  if (outcome.code !== "done") return failed(visit, refusalOf(visit, outcome));
  await changed(visit, undefined);
  return flash(visit, METHODS, { key: "renamed", tone: "success", params: { name: outcome.name } });
}

export async function askRemoveKey(visit: PortalVisit): Promise<Reply> {
  const { key, enrolled } = await keyOf(visit);
  const isLast = enrolled.credentials.length === 1 && enrolled.totp === "none";
  return confirmation(visit, { what: "key", name: key.name, isLast, action: `${keyPath(key.id)}/remove` });
}

export async function removeKey(visit: PortalVisit): Promise<Reply> {
  const outcome = await visit.factors.changes.removeKey(placeOf(visit), visit.id);
  if (outcome.code !== "done") return failed(visit, refusalOf(visit, outcome));
  await dropCodesOfNothing(visit);
  await changed(visit, undefined);
  return flash(visit, METHODS, { key: "removed", tone: "success", params: { name: outcome.name } });
}

/** New codes are shown first and replace the old ones once the person has saved them. */
export async function showCodes(visit: PortalVisit): Promise<Reply> {
  refuseMissing(capabilities(visit).recovery && hasFactor(await enrolledOf(visit)));
  const place = placeOf(visit);
  const codes =
    (await visit.factors.enrolling.pendingCodes(place)) ?? (await visit.factors.enrolling.beginCodes(place));
  return {
    kind: "page",
    name: "enrol/codes",
    model: {
      action: `${METHODS}/codes`,
      csrf: tokenOf(visit),
      note: await takeFlash(visit),
      codes: codes.map((code) => code.expose()),
      account: visit.session.account.name,
      date: new Date(visit.clock.now()).toISOString().slice(0, 10),
      downloadHref: `${METHODS}/codes.txt`,
    },
  };
}

export async function downloadCodes(visit: PortalVisit): Promise<Reply> {
  const codes = await visit.factors.enrolling.pendingCodes(placeOf(visit));
  return codes === undefined ? { kind: "redirect", to: localPath(METHODS) } : codesFile(codes);
}

export async function confirmCodes(visit: PortalVisit, fields: Fields): Promise<Reply> {
  if (fields["saved"] !== "on") return { kind: "redirect", to: localPath(`${METHODS}/codes`) };
  const hadCodes = (await enrolledOf(visit)).recoveryCodes.length > 0;
  const outcome = await visit.factors.enrolling.confirmCodes(placeOf(visit));
  if (outcome.code !== "done") return failed(visit, refusalOf(visit, outcome));
  await changed(visit, undefined);
  return flash(visit, METHODS, {
    key: "codes",
    tone: "success",
    text: hadCodes ? "done.codes.text" : "done.codes.first",
  });
}
