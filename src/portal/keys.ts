import type { Reply } from "../http/index.ts";
import { IdpError } from "../kernel/index.ts";
import {
  afterAdding,
  confirmation,
  dropCodesOfNothing,
  enrolModel,
  failed,
  keyPath,
  METHODS,
  refusalOf,
  refuseMissing,
} from "./changing.ts";
import {
  capabilities,
  changed,
  enrolledOf,
  type Fields,
  flash,
  type PortalVisit,
  placeOf,
  portalOf,
  takeFlash,
  tokenOf,
} from "./visit.ts";

export function showNewKey(visit: PortalVisit, fieldError?: string): Reply {
  refuseMissing(capabilities(visit).webauthn);
  const action = `${METHODS}/keys/new`;
  return {
    kind: "page",
    name: "enrol/key",
    model: { ...enrolModel(visit, action), fieldError, optionsHref: `${action}/options` },
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
