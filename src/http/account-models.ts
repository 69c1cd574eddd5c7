import type { Note, Who } from "./page-parts.ts";

/** A moment, for machines and for people. */
export interface When {
  /** ISO 8601 */
  readonly iso: string;
  readonly text: string;
}

export type PortalSection = "overview" | "methods" | "sessions" | "apps" | "devices" | "activity";

/** What every account page has. */
export interface PortalModel {
  readonly portal: {
    readonly section: PortalSection;
    readonly sections: readonly PortalSection[];
    readonly who: Who;
  };
  /** What became of the last change. */
  readonly note: Note | undefined;
}

/** The account pages. Key = path of the template below `views/`. */
export interface AccountPageModels {
  "account/overview": PortalModel & {
    readonly csrf: string;
    readonly notices: readonly { readonly event: string; readonly at: When }[];
    readonly apps: readonly { readonly name: string; readonly href: string }[];
    readonly tiles: readonly {
      readonly section: PortalSection;
      readonly href: string;
      readonly icon: string;
      readonly state: string;
    }[];
  };
  "account/methods": PortalModel & {
    /** Absent: the backend keeps none. */
    readonly keys:
      | readonly {
          readonly name: string;
          readonly synced: boolean;
          readonly added: When | undefined;
          readonly lastUsed: When | undefined;
          readonly renameHref: string | undefined;
          readonly removeHref: string | undefined;
        }[]
      | undefined;
    /** For the browser's list of passkeys, after a change. */
    readonly signal: { readonly ids: string; readonly rp: string; readonly user: string } | undefined;
    readonly totp:
      | {
          readonly state: "none" | "ready" | "unreadable";
          readonly addHref: string | undefined;
          readonly removeHref: string | undefined;
        }
      | undefined;
    readonly codes: { readonly left: number } | undefined;
    readonly changePasswordHref: string | undefined;
    readonly forgotPasswordHref: string | undefined;
  };
  "account/rename": PortalModel & {
    readonly action: string;
    readonly csrf: string;
    readonly name: string;
    readonly isNew: boolean;
    readonly backHref: string;
  };
  "account/confirm": PortalModel & {
    /** Key below `confirm.` in the catalogue. */
    readonly what: "key" | "totp" | "session" | "others" | "app" | "device" | "devices" | "notMe";
    readonly name: string;
    readonly warning: Note | undefined;
    readonly action: string;
    readonly csrf: string;
    readonly fields: readonly { readonly name: string; readonly value: string }[];
    readonly backHref: string;
  };
  "account/sessions": PortalModel & {
    readonly sessions: readonly {
      readonly device: string | undefined;
      readonly isThis: boolean;
      readonly since: When;
      readonly seen: When;
      readonly address: string;
      readonly how: string;
      readonly apps: readonly string[];
      readonly endHref: string | undefined;
    }[];
  };
  "account/apps": PortalModel & {
    readonly apps: readonly {
      readonly name: string;
      readonly receives: readonly string[];
      readonly since: When | undefined;
      readonly removeHref: string | undefined;
    }[];
  };
  "account/devices": PortalModel & {
    readonly devices: readonly {
      readonly name: string | undefined;
      readonly isThis: boolean;
      readonly since: When;
      readonly until: When;
      readonly removeHref: string;
    }[];
  };
  "account/activity": PortalModel & {
    readonly events: readonly {
      readonly event: string;
      readonly isFailure: boolean;
      readonly at: When;
      readonly app: string;
      readonly address: string;
    }[];
    readonly olderHref: string | undefined;
  };
}
