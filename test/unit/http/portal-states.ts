import type { PageModels, PortalSection } from "../../../src/http/index.ts";
import { APP, FORM, type PageState, WHO } from "./state.ts";

const WHEN = { iso: "2026-03-09T18:04:00.000Z", text: "Mar 9, 2026, 6:04 PM UTC" };
const portal = (section: PortalSection) => ({
  note: undefined,
  portal: {
    section,
    sections: ["overview", "methods", "sessions", "apps", "devices", "activity"] as const,
    who: WHO,
  },
});
const key = (name: string) => ({
  name,
  synced: false,
  added: WHEN,
  lastUsed: undefined,
  renameHref: "/account/methods/keys/a",
  removeHref: "/account/methods/keys/a/remove",
});
const CONFIRM: PageModels["account/confirm"] = {
  ...portal("methods"),
  what: "key",
  name: "Work laptop",
  warning: undefined,
  ...FORM,
  fields: [],
  backHref: "/account/methods",
};

/** The account pages. */
export const PORTAL_STATES: readonly PageState[] = [
  {
    state: "portal-overview",
    name: "account/overview",
    model: {
      ...portal("overview"),
      note: { tone: "info", title: "Your password is all that protects this account.", text: "Add a passkey." },
      csrf: "token",
      notices: [{ event: "recovery_code_used", at: WHEN }],
      apps: [
        { name: APP, href: "https://timesheets.example/" },
        { name: "Wiki", href: "https://wiki.example/" },
      ],
      tiles: [
        { section: "methods", href: "/account/methods", icon: "key", state: "2 passkeys, authenticator app" },
        { section: "sessions", href: "/account/sessions", icon: "laptop", state: "3 browsers" },
        { section: "apps", href: "/account/apps", icon: "apps", state: "5 apps use your account" },
        { section: "devices", href: "/account/devices", icon: "phone", state: "None" },
        { section: "activity", href: "/account/activity", icon: "clock", state: "What happened in the last 90 days" },
      ],
    },
  },
  {
    state: "portal-methods",
    name: "account/methods",
    model: {
      ...portal("methods"),
      note: { tone: "success", title: "“Work laptop” was added.", text: "It works from now on." },
      keys: [
        key("Work laptop"),
        { ...key("Blue key on my keyring with a very long name chosen by its owner"), synced: true, lastUsed: WHEN },
      ],
      signal: { ids: "a b", rp: "localhost", user: "u" },
      totp: { state: "ready", addHref: "/account/methods/totp", removeHref: "/account/methods/totp/remove" },
      codes: { left: 2 },
      changePasswordHref: "https://example.org/change",
      forgotPasswordHref: "https://example.org/forgot",
    },
  },
  {
    state: "portal-methods-none",
    name: "account/methods",
    model: {
      ...portal("methods"),
      keys: [],
      signal: undefined,
      totp: { state: "none", addHref: "/account/methods/totp", removeHref: undefined },
      codes: undefined,
      changePasswordHref: undefined,
      forgotPasswordHref: undefined,
    },
  },
  {
    state: "portal-rename",
    name: "account/rename",
    model: { ...portal("methods"), ...FORM, name: "Passkey (Windows)", isNew: true, backHref: "/account/methods" },
  },
  { state: "portal-confirm", name: "account/confirm", model: CONFIRM },
  {
    state: "portal-confirm-last",
    name: "account/confirm",
    model: {
      ...CONFIRM,
      warning: { tone: "warning", title: "This is your last second step.", text: "Some apps will ask." },
    },
  },
  {
    state: "portal-sessions",
    name: "account/sessions",
    model: {
      ...portal("sessions"),
      sessions: [true, false].map((isThis) => ({
        device: isThis ? "Chrome on Windows" : undefined,
        isThis,
        since: WHEN,
        seen: WHEN,
        address: "192.0.2.17",
        how: "Password + code",
        apps: isThis ? [APP, "Wiki"] : [],
        endHref: isThis ? undefined : "/account/sessions/x/end",
      })),
    },
  },
  {
    state: "portal-apps",
    name: "account/apps",
    model: {
      ...portal("apps"),
      apps: [
        {
          name: APP,
          receives: ["Your name and profile", "Your email address"],
          since: WHEN,
          removeHref: "/account/apps/x/remove",
        },
        {
          name: "Payroll",
          receives: ["Receives your details when you sign in"],
          since: undefined,
          removeHref: undefined,
        },
      ],
    },
  },
  { state: "portal-apps-none", name: "account/apps", model: { ...portal("apps"), apps: [] } },
  {
    state: "portal-devices",
    name: "account/devices",
    model: {
      ...portal("devices"),
      devices: [
        { name: "Firefox on Linux", isThis: true, since: WHEN, until: WHEN, removeHref: "/account/devices/x/remove" },
      ],
    },
  },
  { state: "portal-devices-none", name: "account/devices", model: { ...portal("devices"), devices: [] } },
  {
    state: "portal-activity",
    name: "account/activity",
    model: {
      ...portal("activity"),
      events: [
        { event: "sign_in", isFailure: false, at: WHEN, app: APP, address: "192.0.2.17" },
        { event: "sign_in_refused", isFailure: true, at: WHEN, app: "", address: "198.51.100.2" },
        { event: "factor_added", isFailure: false, at: WHEN, app: "", address: "" },
      ],
      olderHref: "/account/activity?before=1",
    },
  },
  {
    state: "portal-activity-none",
    name: "account/activity",
    model: { ...portal("activity"), events: [], olderHref: undefined },
  },
];
