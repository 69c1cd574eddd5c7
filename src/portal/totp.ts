import type { Reply } from "../http/index.ts";
import { totpModel } from "../login/index.ts";
import {
  afterAdding,
  confirmation,
  dropCodesOfNothing,
  enrolModel,
  failed,
  METHODS,
  refusalOf,
  refuseMissing,
} from "./changing.ts";
import { capabilities, changed, enrolledOf, type Fields, flash, type PortalVisit, placeOf } from "./visit.ts";

export async function showTotp(visit: PortalVisit, fieldError?: string): Promise<Reply> {
  refuseMissing(capabilities(visit).totp);
  const pending = await visit.factors.enrolling.beginTotp(placeOf(visit));
  const model = { ...enrolModel(visit, `${METHODS}/totp`), ...totpModel(pending), fieldError };
  return { kind: "page", name: "enrol/totp", model };
}

export async function confirmTotp(visit: PortalVisit, fields: Fields): Promise<Reply> {
  const outcome = await visit.factors.enrolling.confirmTotp(placeOf(visit), fields["code"] ?? "");
  if (outcome.code !== "done") return showTotp(visit, refusalOf(visit, outcome));
  return afterAdding(visit, "totp", { key: "totp", tone: "success" });
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
