import { APP, FORM, note, type PageState, WHO } from "./state.ts";

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

/** Pages about second factors. */
export const FACTOR_STATES: readonly PageState[] = [
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
];
