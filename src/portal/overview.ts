import type { Enrolled } from "../factors/index.ts";
import type { Note, PageModels, PortalSection, Reply } from "../http/index.ts";
import { localPath } from "../http/index.ts";
import { IdpError } from "../kernel/index.ts";
import type { ActivityEvent } from "./activity.ts";
import {
  capabilities,
  changed,
  contextOf,
  enrolledOf,
  flash,
  type PortalVisit,
  portalOf,
  takeFlash,
  tokenOf,
  translatorOf,
  whenOf,
} from "./visit.ts";

const ICONS: Readonly<Record<PortalSection, string>> = {
  overview: "user",
  methods: "key",
  sessions: "laptop",
  apps: "apps",
  devices: "phone",
  activity: "clock",
};

export async function showOverview(visit: PortalVisit): Promise<Reply> {
  const { session, activity } = visit;
  const [enrolled, notices, apps, states] = await Promise.all([
    enrolledOf(visit),
    activity.notices(session.account.name),
    launcher(visit),
    statesOf(visit),
  ]);
  const portal = portalOf(visit, "overview");
  const { t } = translatorOf(visit);
  const methods = t("portal.state.methods", { keys: enrolled.credentials.length, totp: enrolled.totp });
  return {
    kind: "page",
    name: "account/overview",
    model: {
      portal,
      note: (await takeFlash(visit)) ?? warningOf(visit, enrolled),
      csrf: tokenOf(visit),
      notices: notices.slice(0, 5).map(({ event, at }) => ({ event, at: whenOf(visit, at) })),
      apps,
      tiles: portal.sections
        .filter((section) => section !== "overview")
        .map((section) => ({
          section,
          href: `/account/${section}`,
          icon: ICONS[section],
          state: section === "methods" ? methods : (states[section] ?? ""),
        })),
    },
  };
}

async function statesOf(visit: PortalVisit): Promise<Partial<Record<PortalSection, string>>> {
  const { t } = translatorOf(visit);
  const { subject } = visit.session.account;
  const [sessions, apps, devices] = await Promise.all([
    visit.sessions.list(subject),
    visit.applications.connected(subject),
    visit.devices.list(subject, undefined),
  ]);
  return {
    sessions: t("portal.state.sessions", { n: sessions.length }),
    apps: t("portal.state.apps", { n: apps.length }),
    devices: t("portal.state.devices", { n: devices.length }),
    activity: t("portal.state.activity"),
  };
}

/** What needs the person's attention most. */
function warningOf(visit: PortalVisit, enrolled: Enrolled): Note | undefined {
  const { t } = translatorOf(visit);
  const can = capabilities(visit);
  const hasFactor = enrolled.totp !== "none" || enrolled.credentials.length > 0;
  if (!hasFactor && (can.totp || can.webauthn))
    return { tone: "info", title: t("portal.warn.none.title"), text: t("portal.warn.none.text") };
  const n = enrolled.recoveryCodes.length;
  if (!hasFactor || !can.recovery || n > 2) return undefined;
  return { tone: "warning", title: t("portal.warn.codes.title", { n }), text: t("portal.warn.codes.text") };
}

/** Tiles of the applications this person may open: the backend is asked about each, as at a sign-in. */
async function launcher(visit: PortalVisit): Promise<PageModels["account/overview"]["apps"]> {
  const context = contextOf(visit.facts, visit.req);
  const apps = visit.applications.launchable();
  const decided = await Promise.all(
    apps.map(({ rule, application }) =>
      visit.access.decide(visit.session.account, rule, { ...context, ...application }),
    ),
  );
  return apps.filter((_app, index) => decided[index]?.code === "allowed").map(({ name, href }) => ({ name, href }));
}

export async function seeNotices(visit: PortalVisit): Promise<Reply> {
  await visit.activity.seen(visit.session.account.name);
  return { kind: "redirect", to: localPath("/account") };
}

export async function showApps(visit: PortalVisit): Promise<Reply> {
  const { t } = translatorOf(visit);
  const apps = await visit.applications.connected(visit.session.account.subject);
  return {
    kind: "page",
    name: "account/apps",
    model: {
      portal: portalOf(visit, "apps"),
      note: await takeFlash(visit),
      apps: apps.map(({ id, name, scopes, since, isRevocable }) => ({
        name,
        receives: isRevocable
          ? scopes.filter((scope) => scope !== "openid").map((scope) => visit.scopeTitle(visit.req, scope))
          : [t("apps.saml")],
        since: since === undefined ? undefined : whenOf(visit, since),
        removeHref: isRevocable ? `/account/apps/${encodeURIComponent(id)}/remove` : undefined,
      })),
    },
  };
}

export async function askRevoke(visit: PortalVisit): Promise<Reply> {
  const apps = await visit.applications.connected(visit.session.account.subject);
  const app = apps.find(({ id, isRevocable }) => id === visit.id && isRevocable);
  if (app === undefined) throw new IdpError("NOT_FOUND");
  return {
    kind: "page",
    name: "account/confirm",
    model: {
      portal: portalOf(visit, "apps"),
      note: undefined,
      what: "app",
      name: app.name,
      warning: undefined,
      action: `/account/apps/${encodeURIComponent(app.id)}/remove`,
      csrf: tokenOf(visit),
      fields: [],
      backHref: "/account/apps",
    },
  };
}

export async function revoke(visit: PortalVisit): Promise<Reply> {
  const name = await visit.applications.revoke(visit.session.account.subject, visit.id);
  if (name === undefined) throw new IdpError("NOT_FOUND");
  await changed(visit, "access_revoked", visit.id);
  return flash(visit, "/account/apps", { key: "app", tone: "success", params: { name } });
}

/** Events on one page. */
const PAGE = 50;
const FAILURES: ReadonlySet<string> = new Set([
  "sign_in_refused",
  "throttled",
  "factor_refused",
  "factor_throttled",
  "key_clone_suspected",
  "application_refused",
]);
const HIDDEN: ReadonlySet<string> = new Set(["saml_status"]);

export async function showActivity(visit: PortalVisit): Promise<Reply> {
  const asked = Number(visit.req.query["before"]);
  const before = Number.isSafeInteger(asked) && asked > 0 ? asked : undefined;
  const all = (await visit.activity.list(visit.session.account.name, before)).filter(({ event }) => !HIDDEN.has(event));
  const events = all.slice(0, PAGE);
  const last = events.at(-1);
  return {
    kind: "page",
    name: "account/activity",
    model: {
      portal: portalOf(visit, "activity"),
      note: await takeFlash(visit),
      events: events.map((event) => ({
        event: event.event,
        isFailure: FAILURES.has(event.event),
        at: whenOf(visit, event.at),
        app: appOf(visit, event),
        address: event.address,
      })),
      olderHref: all.length > PAGE && last !== undefined ? `/account/activity?before=${last.at}` : undefined,
    },
  };
}

function appOf({ applications }: PortalVisit, { client_id, saml_entity_id }: ActivityEvent): string {
  return applications.nameOf(client_id, saml_entity_id);
}

/** RFC 4180. A cell that a spreadsheet would take for a formula gets a quote in front. */
export async function exportActivity(visit: PortalVisit): Promise<Reply> {
  const { t } = translatorOf(visit);
  const events = (await visit.activity.list(visit.session.account.name)).filter(({ event }) => !HIDDEN.has(event));
  const cell = (value: string): string => `"${value.replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
  const rows = events.map((event) =>
    [new Date(event.at).toISOString(), t(`activity.${event.event}`), appOf(visit, event), event.address]
      .map(cell)
      .join(","),
  );
  return { kind: "text", name: "activity.csv", body: rows.map((row) => `${row}\r\n`).join("") };
}
