import type { ConsentItem, LoginModel, Note, PageModels, Who } from "../http/index.ts";
import type { AccessAccount } from "./access.ts";
import { type FactorPage, type FactorPageInput, factorPage } from "./factor-pages.ts";
import { type LoginState, OPTIONAL_SCOPES } from "./flow.ts";
import type { SignInRequest } from "./gate.ts";
import type { AccountIdentity } from "./identity.ts";

/** A page of the sign-in with its model: the page is a function of the state. */
export type LoginPage =
  | FactorPage
  | {
      [Name in "login/password" | "login/account" | "login/consent" | "login/refused"]: {
        readonly name: Name;
        readonly model: PageModels[Name];
      };
    }["login/password" | "login/account" | "login/consent" | "login/refused"];

export interface PageInput {
  readonly request: SignInRequest;
  readonly csrf: string;
  readonly action: string;
  readonly forgotHref: string | undefined;
  /** `offer`: whether "Stay signed in" is shown at all. */
  readonly offerRemember: boolean;
  /** What became of the form just sent. */
  readonly note?: Note;
  readonly typed?: { readonly username: string; readonly remember: boolean };
  readonly invalid?: boolean;
  /** What the backend told about the person, for the consent page's values. */
  readonly account?: AccessAccount;
  /** Texts of the catalogue, in the person's language. */
  readonly scopeTitle: (scope: string) => string;
  readonly factor: Pick<FactorPageInput, "fieldError" | "trustDays" | "totp" | "codes" | "date">;
  /** Some backend keeps passkeys. */
  readonly offerPasskey: boolean;
}

/** The page that fits a state, or `undefined` for a finished attempt. */
export function pageOf(state: LoginState, input: PageInput): LoginPage | undefined {
  const { request, action, csrf } = input;
  const app = request.app;
  switch (state.at) {
    case "identify":
      return { name: "login/password", model: loginModel(state, input) };
    case "prove":
    case "enrol":
    case "codes":
    case "stuck":
      return factorPage(state, {
        ...input.factor,
        isLeavable: request.isLeavable ?? false,
        app,
        action,
        csrf,
        note: input.note,
      });
    case "choose":
      return { name: "login/account", model: { app, action, csrf, who: whoOf(state.account) } };
    case "consent":
      return { name: "login/consent", model: consentModel(state, input) };
    case "refused":
      return { name: "login/refused", model: { app: app ?? "", action, csrf, who: whoOf(state.account) } };
    case "more":
    case "done":
      return undefined;
    default:
      return state satisfies never;
  }
}

function whoOf(account: AccountIdentity): Who {
  return { name: account.display_name, account: account.name, switchHref: undefined };
}

function loginModel(state: Extract<LoginState, { at: "identify" }>, input: PageInput): LoginModel {
  const remember = input.typed?.remember === true ? "on" : "off";
  return {
    app: input.request.app,
    action: input.action,
    csrf: input.csrf,
    username: state.fixed ? state.username : (input.typed?.username ?? state.username),
    readonlyUsername: state.fixed,
    remember: input.offerRemember ? remember : "hidden",
    note: input.note,
    invalid: input.invalid ?? false,
    forgotHref: input.forgotHref,
    passkeyHref: input.offerPasskey ? `${input.action}/options` : undefined,
    cancellable: input.request.app !== undefined || input.request.isLeavable === true,
    switchAccount: state.fixed,
  };
}

function consentModel(state: Extract<LoginState, { at: "consent" }>, input: PageInput): PageModels["login/consent"] {
  const { details, app } = input.request;
  const item = (scope: string): ConsentItem => ({
    scope,
    title: input.scopeTitle(scope),
    value: valueOf(scope, input.account),
  });
  const asked = state.ask.scopes.filter((scope) => scope !== "openid");
  return {
    app: app ?? "",
    host: details.host,
    action: input.action,
    csrf: input.csrf,
    who: whoOf(state.account),
    required: asked.filter((scope) => !OPTIONAL_SCOPES.has(scope)).map(item),
    optional: asked
      .filter((scope) => OPTIONAL_SCOPES.has(scope))
      .map((scope) => ({ ...item(scope), checked: details.granted.includes(scope) })),
    granted: details.granted.filter((scope) => scope !== "openid" && !asked.includes(scope)).map(item),
    policyUri: details.policyUri,
    tosUri: details.tosUri,
  };
}

/** What the application would really receive for a scope, where one line can say it. */
function valueOf(scope: string, account: AccessAccount | undefined): string {
  if (account === undefined) return "";
  if (scope === "profile") return account.display_name ?? account.name;
  if (scope === "email") return account.attributes["mail"]?.[0] ?? "";
  return scope === "groups" ? account.groups.join(", ") : "";
}
