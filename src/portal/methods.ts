import type { Enrolled } from "../factors/index.ts";
import type { PageModels, Reply } from "../http/index.ts";
import { hasFactor, keyPath, METHODS } from "./changing.ts";
import { capabilities, enrolledOf, type PortalVisit, portalOf, takeFlash, whenOf } from "./visit.ts";

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
