import type { LoginModel, PageModels, PageName } from "../../../src/http/index.ts";

export const WHO = { name: "Editor account", account: "editor@example.com", switchHref: undefined };
const APP = "Team timesheets";
const FORM = { action: "/login/oidc/x", csrf: "token" };

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

const note = (tone: "danger" | "warning", title: string, text: string) => ({ tone, title, text });
const FACTOR = {
  ...FORM,
  app: APP,
  who: WHO,
  note: undefined,
  fieldError: undefined,
  other: true,
  switchable: true,
  leave: true,
};
const METHODS = [
  { method: "totp", icon: "phone", isLast: true },
  { method: "webauthn", icon: "key", isLast: false },
  { method: "recovery", icon: "list", isLast: false },
];
const ENROL = { ...FACTOR, switchable: false, cancelHref: undefined };
/** A code that stands for one: three finder patterns and nothing else. */
const QR = { size: 21, path: "M0 0h7v7h-7zM14 0h7v7h-7zM0 14h7v7h-7z" };
const CODES = Array.from({ length: 10 }, (_, index) => `k7m4-xq2p-9fh${index}`);

export type PageState = {
  [Name in PageName]: { readonly state: string; readonly name: Name; readonly model: PageModels[Name] };
}[PageName];

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
  { state: "factor-choose", name: "factor/choose", model: { ...FACTOR, methods: METHODS } },
  { state: "factor-totp", name: "factor/code", model: { ...FACTOR, method: "totp", trustDays: 30 } },
  {
    state: "factor-totp-wrong",
    name: "factor/code",
    model: {
      ...FACTOR,
      method: "totp",
      trustDays: undefined,
      fieldError: "That code is not right, or it has expired.",
    },
  },
  {
    state: "factor-throttled",
    name: "factor/code",
    model: {
      ...FACTOR,
      method: "totp",
      trustDays: undefined,
      note: note("warning", "Too many codes tried.", "Wait 14 minutes."),
    },
  },
  { state: "factor-recovery", name: "factor/code", model: { ...FACTOR, method: "recovery", trustDays: undefined } },
  {
    state: "factor-code",
    name: "factor/code",
    model: { ...FACTOR, method: "enrolment_code", trustDays: undefined, other: false },
  },
  {
    state: "factor-key",
    name: "factor/key",
    model: { ...FACTOR, optionsHref: "/login/oidc/x/options", trustDays: 30 },
  },
  {
    state: "factor-key-failed",
    name: "factor/key",
    model: {
      ...FACTOR,
      optionsHref: "/login/oidc/x/options",
      trustDays: undefined,
      fieldError: "We don’t know this passkey.",
    },
  },
  { state: "factor-stuck", name: "factor/stuck", model: { ...FORM, app: APP, who: WHO, why: "unreadable" } },
  {
    state: "factor-stuck-plain",
    name: "factor/stuck",
    model: { ...FORM, app: undefined, who: WHO, why: "unsupported" },
  },
  { state: "enrol-choose", name: "enrol/choose", model: { ...ENROL, methods: METHODS.slice(0, 2) } },
  {
    state: "enrol-totp",
    name: "enrol/totp",
    model: { ...ENROL, qr: QR, secret: "ABCD EFGH", address: "otpauth://totp/x?secret=x" },
  },
  {
    state: "enrol-totp-wrong",
    name: "enrol/totp",
    model: {
      ...ENROL,
      app: undefined,
      cancelHref: "/account",
      leave: false,
      other: false,
      fieldError: "That code is not right.",
      qr: QR,
      secret: "ABCD EFGH",
      address: "otpauth://totp/x?secret=x",
    },
  },
  { state: "enrol-key", name: "enrol/key", model: { ...ENROL, optionsHref: "/login/oidc/x/options" } },
  {
    state: "enrol-codes",
    name: "enrol/codes",
    model: {
      ...FORM,
      note: undefined,
      codes: CODES,
      account: WHO.account,
      date: "2026-11-27",
      downloadHref: "/codes.txt",
    },
  },
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
