import type { AccountPageModels } from "./account-models.ts";
import type { Note, Who } from "./page-parts.ts";

/** One entry of the language menu. */
export interface LanguageChoice {
  readonly code: string;
  /** The language's own name. */
  readonly name: string;
  readonly href: string;
  readonly current: boolean;
}

/** What every page shows around its content; filled by the renderer, not by the caller. */
export interface Frame {
  readonly lang: string;
  readonly dir: "ltr" | "rtl";
  readonly product: string;
  readonly logo: string | undefined;
  readonly languages: readonly LanguageChoice[];
  readonly links: { readonly help: string | undefined };
}

export interface LoginModel {
  readonly app: string | undefined;
  readonly action: string;
  readonly csrf: string;
  readonly username: string;
  /** The person is known and only confirms it is them: the user name is shown but not editable. */
  readonly readonlyUsername: boolean;
  readonly remember: "hidden" | "off" | "on";
  readonly note: Note | undefined;
  /** Fields are marked wrong and the password gets the focus. */
  readonly invalid: boolean;
  readonly forgotHref: string | undefined;
  /** Where the options of a passkey sign-in come from; absent where no backend keeps passkeys. */
  readonly passkeyHref: string | undefined;
  /** A form with `name=decision value=cancel` returns `access_denied` to the application. */
  readonly cancellable: boolean;
  readonly switchAccount: boolean;
}

export interface ConsentItem {
  readonly scope: string;
  readonly title: string;
  /** The actual value the application would receive, or "". */
  readonly value: string;
}

export interface ConsentModel {
  readonly app: string;
  readonly host: string;
  readonly action: string;
  readonly csrf: string;
  readonly who: Who;
  readonly required: readonly ConsentItem[];
  readonly optional: readonly (ConsentItem & { readonly checked: boolean })[];
  readonly granted: readonly ConsentItem[];
  readonly policyUri: string | undefined;
  readonly tosUri: string | undefined;
}

/** What every page about a second factor has. */
export interface FactorModel {
  /** The application that asks; absent on the account pages. */
  readonly app: string | undefined;
  readonly action: string;
  readonly csrf: string;
  readonly who: Who;
  readonly note: Note | undefined;
  /** What was wrong with the last try, beside the field. */
  readonly fieldError: string | undefined;
  /** There is another method. */
  readonly other: boolean;
  /** "Use another account" and "Cancel" are possible. */
  readonly switchable: boolean;
  readonly leave: boolean;
}

/** One method or kind to choose. */
export interface MethodChoice {
  readonly method: string;
  readonly icon: string;
  readonly isLast: boolean;
}

/** Setting something up: in a sign-in, or on the account pages, where Cancel is a link. */
export interface EnrolModel extends FactorModel {
  readonly cancelHref: string | undefined;
}

/** Key = path of the template below `views/`. A missing field is a compile error at the caller. */
export interface PageModels extends AccountPageModels {
  "login/password": LoginModel;
  /** A signed-in person is asked whether to go on as themselves (`prompt=select_account`). */
  "login/account": {
    readonly app: string | undefined;
    readonly action: string;
    readonly csrf: string;
    readonly who: Who;
  };
  "login/consent": ConsentModel;
  /** "You can't use {app}": the backend or a group rule refused this application; Back sends `access_denied` to it. */
  "login/refused": { readonly app: string; readonly action: string; readonly csrf: string; readonly who: Who };
  "factor/choose": FactorModel & { readonly methods: readonly MethodChoice[] };
  "factor/code": FactorModel & {
    readonly method: "totp" | "recovery" | "enrolment_code";
    /** Days this device may skip the step, where that is offered. */
    readonly trustDays: number | undefined;
  };
  "factor/key": FactorModel & { readonly optionsHref: string; readonly trustDays: number | undefined };
  /** Nothing this person can do here would be enough. */
  "factor/stuck": {
    readonly app: string | undefined;
    readonly action: string;
    readonly csrf: string;
    readonly who: Who;
    readonly why: "unreadable" | "unsupported";
  };
  "enrol/choose": EnrolModel & { readonly methods: readonly MethodChoice[] };
  "enrol/totp": EnrolModel & {
    /** In groups of four. */
    readonly secret: string;
    /** `otpauth://…` */
    readonly address: string;
    /** Modules along an edge, and the dark ones as an SVG path. */
    readonly qr: { readonly size: number; readonly path: string };
  };
  "enrol/key": EnrolModel & { readonly optionsHref: string };
  "enrol/codes": Pick<EnrolModel, "action" | "csrf" | "note"> & {
    readonly codes: readonly string[];
    readonly account: string;
    /** ISO 8601, the day. */
    readonly date: string;
    readonly downloadHref: string;
  };
  "login/outofdate": { readonly startHref: string | undefined; readonly minutes: number };
  "login/handoff": { readonly app: string | undefined; readonly href: string };
  /** The code a device shows is typed here. */
  "device/code": {
    readonly action: string;
    readonly csrf: string;
    readonly value: string;
    readonly isWrong: boolean;
    /** Minutes until codes can be tried again; then there is no form. */
    readonly wait: number | undefined;
  };
  "device/confirm": {
    readonly action: string;
    readonly csrf: string;
    readonly code: string;
    readonly app: string;
    readonly address: string;
    readonly who: Who | undefined;
  };
  "device/done": { readonly app: string | undefined; readonly isConnected: boolean };
  "logout/confirm": {
    readonly action: string;
    readonly csrf: string;
    readonly who: Who | undefined;
    readonly apps: readonly string[];
  };
  /** A sign-out on its way from one application to the next, and how it ended. */
  "logout/progress": {
    readonly apps: readonly {
      readonly name: string;
      readonly state: "waiting" | "asked" | "done" | "failed" | "impossible";
    }[];
    /** The application that is asked now, or that the person returns to. */
    readonly app: string | undefined;
    readonly isOver: boolean;
    /** Where it goes on: a link, or a form for a message that is posted. */
    readonly href: string | undefined;
    readonly form:
      | { readonly action: string; readonly fields: readonly { readonly name: string; readonly value: string }[] }
      | undefined;
    /** It goes on by itself. */
    readonly isAutomatic: boolean;
    /** Where an application that does not answer is given up. */
    readonly skipHref: string | undefined;
  };
  "logout/done": { readonly appHref: string | undefined; readonly app: string | undefined };
  /** Posts a SAML message to a validated address of the application; with scripts by itself. */
  "saml/post": {
    readonly app: string;
    readonly action: string;
    readonly fields: readonly { readonly name: string; readonly value: string }[];
  };
  /** `home`: for the bare origin. */
  home: { readonly who: Who | undefined; readonly signOutHref: string };
  error: {
    /** Key below `error.` in the catalogue. */
    readonly kind: string;
    readonly app: string | undefined;
    readonly reference: string;
    readonly time: string;
    /** OAuth or SAML code for the folded details, or undefined. */
    readonly code: string | undefined;
    readonly backHref: string | undefined;
  };
}

export type PageName = keyof PageModels;
