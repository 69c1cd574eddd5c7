import type { PageModels, Reply } from "../http/index.ts";
import { IdpError } from "../kernel/index.ts";
import type { SessionEntry } from "../login/index.ts";
import { changed, flash, type PortalVisit, portalOf, takeFlash, tokenOf, translatorOf, whenOf } from "./visit.ts";

const SESSIONS = "/account/sessions";
const DEVICES = "/account/devices";

/** Browsers that are signed in, this one first. */
export async function showSessions(visit: PortalVisit): Promise<Reply> {
  const entries = await visit.sessions.list(visit.session.account.subject);
  const own = entries.filter(({ uid }) => uid === visit.session.uid);
  const others = entries.filter(({ uid }) => uid !== visit.session.uid);
  return {
    kind: "page",
    name: "account/sessions",
    model: {
      portal: portalOf(visit, "sessions"),
      note: await takeFlash(visit),
      sessions: [...own, ...others].map((entry) => sessionModel(visit, entry)),
    },
  };
}

function sessionModel(visit: PortalVisit, entry: SessionEntry): PageModels["account/sessions"]["sessions"][number] {
  const { lang } = translatorOf(visit);
  const isThis = entry.uid === visit.session.uid;
  return {
    device: visit.deviceName(entry.userAgent, lang),
    isThis,
    since: whenOf(visit, entry.since),
    seen: whenOf(visit, isThis ? visit.clock.now() : entry.seen),
    address: entry.address,
    how: howOf(visit, entry.amr),
    apps: entry.clients.map((client) => visit.applications.nameOf(client, "")),
    endHref: isThis ? undefined : `${SESSIONS}/${encodeURIComponent(entry.uid)}/end`,
  };
}

function howOf(visit: PortalVisit, amr: readonly string[]): string {
  const { t } = translatorOf(visit);
  const isKey = amr.includes("hwk") || amr.includes("swk");
  const parts = [
    ...(amr.includes("pwd") ? [t("sessions.how.pwd")] : []),
    ...(amr.includes("otp") ? [t("sessions.how.otp")] : []),
    ...(isKey ? [t("sessions.how.key")] : []),
  ];
  return parts.join(" + ");
}

/** One of the person's own sessions. @throws IdpError NOT_FOUND for anybody else's. */
async function entryOf(visit: PortalVisit): Promise<SessionEntry> {
  const entries = await visit.sessions.list(visit.session.account.subject);
  const entry = entries.find(({ uid }) => uid === visit.id && uid !== visit.session.uid);
  if (entry === undefined) throw new IdpError("NOT_FOUND");
  return entry;
}

interface Asked {
  readonly what: PageModels["account/confirm"]["what"];
  readonly name: string;
  readonly action: string;
  readonly backHref: string;
  readonly section: "sessions" | "devices" | "activity";
}

function confirmation(visit: PortalVisit, { section, ...asked }: Asked): Reply {
  const model = {
    portal: portalOf(visit, section),
    note: undefined,
    warning: undefined,
    csrf: tokenOf(visit),
    fields: [],
    ...asked,
  };
  return { kind: "page", name: "account/confirm", model };
}

export async function askEndSession(visit: PortalVisit): Promise<Reply> {
  const entry = await entryOf(visit);
  const { lang, t } = translatorOf(visit);
  const name = visit.deviceName(entry.userAgent, lang) ?? t("sessions.unknown");
  const action = `${SESSIONS}/${encodeURIComponent(entry.uid)}/end`;
  return confirmation(visit, { what: "session", name, action, backHref: SESSIONS, section: "sessions" });
}

export async function endSession(visit: PortalVisit): Promise<Reply> {
  const entry = await entryOf(visit);
  await visit.sessions.end(entry.uid);
  await changed(visit, "session_ended");
  return flash(visit, SESSIONS, { key: "session", tone: "success" });
}

export function askEndOthers(visit: PortalVisit): Promise<Reply> {
  const asked = {
    what: "others",
    name: "",
    action: `${SESSIONS}/others/end`,
    backHref: SESSIONS,
    section: "sessions",
  } as const;
  return Promise.resolve(confirmation(visit, asked));
}

async function endAllOthers(visit: PortalVisit): Promise<number> {
  const entries = await visit.sessions.list(visit.session.account.subject);
  const others = entries.filter(({ uid }) => uid !== visit.session.uid);
  await Promise.all(others.map(({ uid }) => visit.sessions.end(uid)));
  return others.length;
}

export async function endOthers(visit: PortalVisit): Promise<Reply> {
  const n = await endAllOthers(visit);
  await changed(visit, "session_ended", `${n} others`);
  return flash(visit, SESSIONS, { key: "others", tone: "success", params: { n } });
}

/** Devices that skip the second step. */
export async function showDevices(visit: PortalVisit): Promise<Reply> {
  const { devices, session, req, deviceName } = visit;
  const { lang } = translatorOf(visit);
  const list = await devices.list(session.account.subject, devices.of(req));
  return {
    kind: "page",
    name: "account/devices",
    model: {
      portal: portalOf(visit, "devices"),
      note: await takeFlash(visit),
      devices: list.map(({ id, userAgent, since, until, isThis }) => ({
        name: deviceName(userAgent, lang),
        isThis,
        since: whenOf(visit, since),
        until: whenOf(visit, until),
        removeHref: `${DEVICES}/${encodeURIComponent(id)}/remove`,
      })),
    },
  };
}

export async function askForgetDevice(visit: PortalVisit): Promise<Reply> {
  const { devices, session, req, deviceName } = visit;
  const { lang, t } = translatorOf(visit);
  const device = (await devices.list(session.account.subject, devices.of(req))).find(({ id }) => id === visit.id);
  if (device === undefined) throw new IdpError("NOT_FOUND");
  const name = deviceName(device.userAgent, lang) ?? t("sessions.unknown");
  const action = `${DEVICES}/${encodeURIComponent(device.id)}/remove`;
  return confirmation(visit, { what: "device", name, action, backHref: DEVICES, section: "devices" });
}

export async function forgetDevice(visit: PortalVisit): Promise<Reply> {
  if (!(await visit.devices.forget(visit.session.account.subject, visit.id))) throw new IdpError("NOT_FOUND");
  await changed(visit, "device_forgotten");
  return flash(visit, DEVICES, { key: "device", tone: "success" });
}

export function askForgetAll(visit: PortalVisit): Promise<Reply> {
  const asked = {
    what: "devices",
    name: "",
    action: `${DEVICES}/all/remove`,
    backHref: DEVICES,
    section: "devices",
  } as const;
  return Promise.resolve(confirmation(visit, asked));
}

export async function forgetAll(visit: PortalVisit): Promise<Reply> {
  await visit.devices.forgetAll(visit.session.account.subject);
  await changed(visit, "device_forgotten", "all");
  return flash(visit, DEVICES, { key: "device", tone: "success" });
}

export function askNotMe(visit: PortalVisit): Promise<Reply> {
  const asked = {
    what: "notMe",
    name: "",
    action: "/account/activity/not-me",
    backHref: "/account/activity",
    section: "activity",
  } as const;
  return Promise.resolve(confirmation(visit, asked));
}

/** Somebody else was there: every other browser is signed out, and none is trusted any more. */
export async function notMe(visit: PortalVisit): Promise<Reply> {
  const n = await endAllOthers(visit);
  await visit.devices.forgetAll(visit.session.account.subject);
  await changed(visit, "session_ended", `not me, ${n} others`);
  return flash(visit, "/account/methods", { key: "notMe", tone: "success" });
}
