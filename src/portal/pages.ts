import type { Reply } from "../http/index.ts";
import * as codes from "./codes.ts";
import * as keys from "./keys.ts";
import { showMethods } from "./methods.ts";
import * as overview from "./overview.ts";
import * as places from "./places.ts";
import * as totp from "./totp.ts";
import type { Fields, PortalVisit } from "./visit.ts";

type Show = (visit: PortalVisit) => Promise<Reply> | Reply;
type Submit = (visit: PortalVisit, fields: Fields) => Promise<Reply>;

export interface Page {
  readonly show: Show;
  /** A form of this page. */
  readonly submit?: Submit;
  /** Adding and changing wants a proof given just now. */
  readonly isGuarded: boolean;
}

function page(isGuarded: boolean, show: Show, submit?: Submit): Page {
  return submit === undefined ? { show, isGuarded } : { show, submit, isGuarded };
}
const open = (show: Show, submit?: Submit): Page => page(false, show, submit);
const guarded = (show: Show, submit?: Submit): Page => page(true, show, submit);

/** Every account page, by its path. */
export const PAGES: Readonly<Record<string, Page>> = {
  "/account": open(overview.showOverview),
  "/account/notices": open(overview.showOverview, overview.seeNotices),
  "/account/methods": open(showMethods),
  "/account/methods/totp": guarded((visit) => totp.showTotp(visit), totp.confirmTotp),
  "/account/methods/totp/remove": guarded(totp.askRemoveTotp, totp.removeTotp),
  "/account/methods/keys/new": guarded((visit) => keys.showNewKey(visit), keys.addKey),
  "/account/methods/keys/new/options": guarded((visit) => keys.showNewKey(visit), keys.newKeyOptions),
  "/account/methods/codes": guarded(codes.showCodes, codes.confirmCodes),
  "/account/methods/codes.txt": guarded(codes.downloadCodes),
  "/account/methods/keys/:id": guarded(keys.showRename, keys.rename),
  "/account/methods/keys/:id/remove": guarded(keys.askRemoveKey, keys.removeKey),
  "/account/sessions": open(places.showSessions),
  "/account/sessions/others/end": guarded(places.askEndOthers, places.endOthers),
  "/account/sessions/:id/end": guarded(places.askEndSession, places.endSession),
  "/account/apps": open(overview.showApps),
  "/account/apps/:id/remove": guarded(overview.askRevoke, overview.revoke),
  "/account/devices": open(places.showDevices),
  "/account/devices/all/remove": guarded(places.askForgetAll, places.forgetAll),
  "/account/devices/:id/remove": guarded(places.askForgetDevice, places.forgetDevice),
  "/account/activity": open(overview.showActivity),
  "/account/activity.csv": open(overview.exportActivity),
  "/account/activity/not-me": guarded(places.askNotMe, places.notMe),
};

/** The page a stored path belongs to, with its `:id`. */
export function pageAt(path: string): { readonly page: Page; readonly id: string } | undefined {
  for (const [pattern, found] of Object.entries(PAGES)) {
    const match = new RegExp(`^${pattern.replaceAll(".", "\\.").replace(":id", "([^/]+)")}$`).exec(path);
    if (match !== null) return { page: found, id: decodeURIComponent(match[1] ?? "") };
  }
  return undefined;
}
