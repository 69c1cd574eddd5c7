import type { LoginModel, PageModels } from "../../../src/http/index.ts";
import { FACTOR_STATES } from "./factor-states.ts";
import { PORTAL_STATES } from "./portal-states.ts";
import { APP, FORM, note, type PageState, WHO } from "./state.ts";

export const LOGIN: LoginModel = {
  ...FORM,
  app: APP,
  username: "",
  readonlyUsername: false,
  remember: "off",
  note: undefined,
  invalid: false,
  forgotHref: "https://example.com/forgot",
  passkeyHref: "/login/oidc/x/options",
  cancellable: true,
  switchAccount: false,
};

export const CONSENT: PageModels["login/consent"] = {
  ...FORM,
  app: APP,
  host: "app.timesheets.example",
  who: WHO,
  required: [
    { scope: "profile", title: "Your name and profile", value: WHO.name },
    { scope: "email", title: "Your email address", value: WHO.account },
  ],
  optional: [
    { scope: "groups", title: "Your groups", value: "crew, night shift", checked: false },
    { scope: "offline_access", title: "Access while you are away", value: "", checked: true },
  ],
  granted: [{ scope: "phone", title: "Your phone number", value: "" }],
  policyUri: "https://timesheets.example/privacy",
  tosUri: "https://timesheets.example/terms",
};

export const FAILED: PageModels["error"] = {
  kind: "request",
  app: undefined,
  reference: "01KAR7-4QZT-9M",
  time: "2026-11-23T15:46:14.000Z",
  code: "invalid_redirect_uri",
  backHref: undefined,
};

const ERROR_KINDS = ["server", "unavailable", "outofdate", "cookies", "notfound", "method", "toolarge"];

/** Every page in every state that looks different. */
export const PAGE_STATES: readonly PageState[] = [
  { state: "login", name: "login/password", model: LOGIN },
  {
    state: "login-plain",
    name: "login/password",
    model: {
      ...LOGIN,
      app: undefined,
      remember: "hidden",
      forgotHref: undefined,
      passkeyHref: undefined,
      cancellable: false,
    },
  },
  {
    state: "login-failed",
    name: "login/password",
    model: {
      ...LOGIN,
      username: WHO.account,
      remember: "on",
      invalid: true,
      note: note("danger", "That sign-in did not work.", "Check the username and password and try again."),
    },
  },
  {
    state: "login-throttled",
    name: "login/password",
    model: {
      ...LOGIN,
      username: WHO.account,
      note: note("warning", "Too many attempts.", "You can try again in 14 minutes."),
    },
  },
  {
    state: "login-again",
    name: "login/password",
    model: { ...LOGIN, username: WHO.account, readonlyUsername: true, switchAccount: true },
  },
  ...FACTOR_STATES,
  ...PORTAL_STATES,
  { state: "account", name: "login/account", model: { ...FORM, app: APP, who: WHO } },
  { state: "consent", name: "login/consent", model: CONSENT },
  {
    state: "consent-bare",
    name: "login/consent",
    model: { ...CONSENT, host: "", optional: [], granted: [], policyUri: undefined, tosUri: undefined },
  },
  { state: "refused", name: "login/refused", model: { ...FORM, app: APP, who: { ...WHO, switchHref: "/switch" } } },
  { state: "outofdate", name: "login/outofdate", model: { startHref: undefined, minutes: 30 } },
  {
    state: "outofdate-start",
    name: "login/outofdate",
    model: { startHref: "https://timesheets.example/", minutes: 1 },
  },
  { state: "handoff", name: "login/handoff", model: { app: APP, href: "/oidc/authorize/x" } },
  { state: "handoff-plain", name: "login/handoff", model: { app: undefined, href: "/oidc/authorize/x" } },
  {
    state: "device-code",
    name: "device/code",
    model: { ...FORM, value: "", isWrong: false, wait: undefined },
  },
  {
    state: "device-code-wrong",
    name: "device/code",
    model: { ...FORM, value: "", isWrong: true, wait: undefined },
  },
  { state: "device-code-throttled", name: "device/code", model: { ...FORM, value: "", isWrong: false, wait: 12 } },
  {
    state: "device-confirm",
    name: "device/confirm",
    model: { ...FORM, code: "BCDF-GHJK", app: APP, address: "203.0.113.7", who: WHO },
  },
  { state: "device-connected", name: "device/done", model: { app: APP, isConnected: true } },
  { state: "device-refused", name: "device/done", model: { app: undefined, isConnected: false } },
  { state: "logout", name: "logout/confirm", model: { ...FORM, who: WHO, apps: [APP, "Wiki"] } },
  { state: "logout-none", name: "logout/confirm", model: { ...FORM, who: undefined, apps: [] } },
  { state: "logout-done", name: "logout/done", model: { appHref: "https://timesheets.example/", app: APP } },
  {
    state: "logout-progress",
    name: "logout/progress",
    model: {
      apps: [
        { name: APP, state: "done" },
        { name: "Wiki", state: "asked" },
        { name: "Payroll", state: "waiting" },
        { name: "Old archive", state: "impossible" },
      ],
      app: "Wiki",
      isOver: false,
      href: "#next",
      form: undefined,
      isAutomatic: false,
      skipHref: "#skip",
    },
  },
  {
    state: "logout-partial",
    name: "logout/progress",
    model: {
      apps: [
        { name: APP, state: "done" },
        { name: "Wiki", state: "failed" },
      ],
      app: APP,
      isOver: true,
      href: "https://timesheets.example/",
      form: undefined,
      isAutomatic: false,
      skipHref: undefined,
    },
  },
  {
    state: "saml-post",
    name: "saml/post",
    model: {
      app: APP,
      action: "https://timesheets.example/acs",
      fields: [{ name: "SAMLResponse", value: "PHNhbWxwOlJlc3BvbnNlPg==" }],
    },
  },
  { state: "logout-done-plain", name: "logout/done", model: { appHref: undefined, app: undefined } },
  { state: "home", name: "home", model: { who: WHO, signOutHref: "/oidc/logout" } },
  { state: "home-out", name: "home", model: { who: undefined, signOutHref: "/oidc/logout" } },
  { state: "error-request", name: "error", model: FAILED },
  { state: "error-app", name: "error", model: { ...FAILED, app: APP, backHref: "https://timesheets.example/" } },
  ...ERROR_KINDS.map(
    (kind): PageState => ({ state: `error-${kind}`, name: "error", model: { ...FAILED, kind, code: undefined } }),
  ),
];
