import type { PendingTotp } from "../factors/index.ts";
import type { EnrolModel, FactorModel, MethodChoice, Note, PageModels, Who } from "../http/index.ts";
import type { LoginState } from "./flow.ts";

type FactorPageName =
  | "factor/choose"
  | "factor/code"
  | "factor/key"
  | "factor/stuck"
  | "enrol/choose"
  | "enrol/totp"
  | "enrol/key"
  | "enrol/codes";

/** A page about second factors with its model. */
export type FactorPage = {
  [Name in FactorPageName]: { readonly name: Name; readonly model: PageModels[Name] };
}[FactorPageName];

export interface FactorPageInput {
  readonly app: string | undefined;
  readonly action: string;
  readonly csrf: string;
  /** The person may stop without signing in. */
  readonly isLeavable: boolean;
  readonly note: Note | undefined;
  readonly fieldError: string | undefined;
  /** Days; absent where devices are not trusted. */
  readonly trustDays: number | undefined;
  readonly totp: PendingTotp | undefined;
  readonly codes: readonly string[];
  /** ISO 8601, the day. */
  readonly date: string;
}

type FactorState = Extract<LoginState, { at: "prove" | "enrol" | "codes" | "stuck" }>;

const ICONS: Readonly<Record<string, string>> = {
  webauthn: "key",
  totp: "phone",
  recovery: "list",
  enrolment_code: "list",
};

/** The page that fits a state in which a person proves or adds a factor. */
export function factorPage(state: FactorState, input: FactorPageInput): FactorPage {
  const { app, action, csrf, note } = input;
  const who: Who = { name: state.account.display_name, account: state.account.name, switchHref: undefined };
  const base = {
    app,
    action,
    csrf,
    who,
    note,
    fieldError: input.fieldError,
    switchable: true,
    leave: app !== undefined || input.isLeavable,
  };
  switch (state.at) {
    case "prove":
      return provePage(state, base, input);
    case "enrol":
      return enrolPage(state, { ...base, switchable: false, cancelHref: undefined }, input);
    case "codes": {
      const { codes, date } = input;
      const model = {
        action,
        csrf,
        note,
        codes,
        date,
        account: state.account.name,
        downloadHref: `${action}/codes.txt`,
      };
      return { name: "enrol/codes", model };
    }
    case "stuck":
      return { name: "factor/stuck", model: { app, action, csrf, who, why: state.why } };
    default:
      return state satisfies never;
  }
}

type Prove = Extract<LoginState, { at: "prove" }>;
type Enrol = Extract<LoginState, { at: "enrol" }>;

function provePage(state: Prove, given: Omit<FactorModel, "other">, input: FactorPageInput): FactorPage {
  const { asked, methods, has } = state;
  const model: FactorModel = { ...given, other: methods.length > 1 };
  if (asked === undefined) {
    const usedLast = (method: string): boolean => method === has.lastUsed;
    const choices = methods.map(
      (method): MethodChoice => ({ method, icon: ICONS[method] ?? "key", isLast: usedLast(method) }),
    );
    const sorted = [...choices.filter(({ isLast }) => isLast), ...choices.filter(({ isLast }) => !isLast)];
    return { name: "factor/choose", model: { ...model, methods: sorted } };
  }
  // What is not the person's own factor makes no device trusted.
  const trustDays = asked === "totp" || asked === "webauthn" ? input.trustDays : undefined;
  return asked === "webauthn"
    ? { name: "factor/key", model: { ...model, trustDays, optionsHref: `${input.action}/options` } }
    : { name: "factor/code", model: { ...model, trustDays, method: asked } };
}

function enrolPage(state: Enrol, given: Omit<EnrolModel, "other">, input: FactorPageInput): FactorPage {
  const model: EnrolModel = { ...given, other: state.kinds.length > 1 };
  if (state.chosen === "totp" && input.totp !== undefined)
    return { name: "enrol/totp", model: { ...model, ...totpModel(input.totp) } };
  if (state.chosen === "webauthn")
    return { name: "enrol/key", model: { ...model, optionsHref: `${input.action}/options` } };
  const methods = state.kinds.map((method) => ({ method, icon: ICONS[method] ?? "key", isLast: false }));
  return { name: "enrol/choose", model: { ...model, methods } };
}

/** What the page for a new authenticator app shows. */
export function totpModel({
  secret,
  address,
  modules,
}: PendingTotp): Pick<PageModels["enrol/totp"], "secret" | "address" | "qr"> {
  return {
    secret: (secret.expose().match(/.{1,4}/g) ?? []).join(" "),
    address: address.expose(),
    qr: { size: modules.length, path: pathOf(modules) },
  };
}

/** Each run of dark modules of a row as a rectangle. */
function pathOf(modules: PendingTotp["modules"]): string {
  return modules
    .flatMap((row, y) => {
      const text = row.map((isDark) => (isDark ? "1" : "0")).join("");
      return [...text.matchAll(/1+/g)].map(({ index, 0: run }) => `M${index} ${y}h${run.length}v1h-${run.length}z`);
    })
    .join("");
}
