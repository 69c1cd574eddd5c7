import type { Request, Response } from "express";
import { type CallContext, NO_APPLICATION } from "../backend/index.ts";
import type { Capabilities, Enrolled, Factors, Place } from "../factors/index.ts";
import {
  type Csrf,
  localPath,
  type Note,
  type Pages,
  type PortalModel,
  type PortalSection,
  preferencesOf,
  type Reply,
  type When,
} from "../http/index.ts";
import { type Clock, IdpError, type Random } from "../kernel/index.ts";
import type { Access, BrowserSession, BrowserSessions, Devices, RequestFacts } from "../login/index.ts";
import type { Store } from "../store/index.ts";
import type { AuditEvent, AuditLog } from "../telemetry/index.ts";
import type { Activity } from "./activity.ts";
import type { PortalGate } from "./gate.ts";
import type { Applications } from "./ports.ts";

/** What a form of an account page holds. */
export type Fields = Readonly<Record<string, string>>;

export interface PortalDeps {
  readonly gate: PortalGate;
  readonly sessions: BrowserSessions;
  readonly factors: Factors;
  readonly devices: Devices;
  readonly access: Access;
  readonly applications: Applications;
  readonly activity: Activity;
  readonly audit: AuditLog;
  readonly csrf: Csrf;
  readonly pages: Pages;
  readonly facts: RequestFacts;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds a proof counts for changes. */
  readonly fresh: number;
  readonly links: { readonly changePassword: string | undefined; readonly forgotPassword: string | undefined };
  readonly offersTrust: boolean;
  /** A browser in words, in the person's language; `undefined` where it does not say. */
  readonly deviceName: (userAgent: string, lang: string) => string | undefined;
  readonly keyName: (userAgent: string) => string;
  readonly scopeTitle: (req: Request, scope: string) => string;
}

/** A signed-in person at one of the account pages. */
export interface PortalVisit extends PortalDeps {
  readonly req: Request;
  readonly res: Response;
  readonly session: BrowserSession;
  readonly context: CallContext;
  /** There was news the person has not seen, before what they do now. */
  readonly hasNews: boolean;
  /** The `:id` of the address. */
  readonly id: string;
}

export function contextOf(facts: RequestFacts, req: Request): CallContext {
  return {
    ...facts.of(req),
    ...NO_APPLICATION,
    grant_type: "",
  };
}

export function placeOf({ session, context }: PortalVisit): Place {
  return { owner: session.account, context, place: `session ${session.uid}` };
}

/** What the person has. @throws IdpError BACKEND_UNAVAILABLE: what cannot be read is never taken for nothing. */
export async function enrolledOf({ factors, session, context }: PortalVisit): Promise<Enrolled> {
  const read = await factors.read(session.account, context);
  if (read.code === "ok") return read.enrolled;
  throw new IdpError("BACKEND_UNAVAILABLE", {
    because: read.code === "denied" ? "the backend denied the account" : read.reason,
  });
}

export function capabilities({ factors, session }: PortalVisit): Capabilities {
  return factors.can(session.account.backend);
}

export function translatorOf({ pages, req }: Pick<PortalVisit, "pages" | "req">) {
  return pages.translator(preferencesOf(req));
}

/** Changes the person's own device; the token of every form of this session. */
export function tokenOf({ csrf, session }: PortalVisit): string {
  return csrf.tokenFor(`account:${session.uid}`);
}

export function whenOf(visit: Pick<PortalVisit, "pages" | "req">, at: number): When {
  const { lang } = translatorOf(visit);
  const date = new Date(at);
  const text = new Intl.DateTimeFormat(lang, { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" }).format(date);
  return { iso: date.toISOString(), text: `${text} UTC` };
}

export function portalOf({ session, offersTrust }: PortalVisit, section: PortalSection): PortalModel["portal"] {
  const sections: readonly PortalSection[] = ["overview", "methods", "sessions", "apps", "devices", "activity"];
  const { display_name: name, name: account } = session.account;
  return {
    section,
    sections: sections.filter((one) => one !== "devices" || offersTrust),
    who: { name, account, switchHref: undefined },
  };
}

const FLASH = "portal.flash";
const FLASH_LIFE = 5 * 60_000;

/** What became of a change, told once on the next page. */
export interface Flash {
  /** Key below `done.` in the catalogue. */
  readonly key: string;
  readonly tone: Note["tone"];
  readonly params?: Readonly<Record<string, string | number>>;
  /** Key of the text below the title, where it is another one. */
  readonly text?: string;
}

/** Ends a POST: the result is told on the page it leads to. */
export async function flash(visit: PortalVisit, to: string, result: Flash): Promise<Reply> {
  const { store, session, clock } = visit;
  await store.put(FLASH, session.uid, { ...result }, { expiresAt: clock.now() + FLASH_LIFE });
  return { kind: "redirect", to: localPath(to) };
}

export async function takeFlash(visit: PortalVisit): Promise<(Note & { readonly key: string }) | undefined> {
  const record = await visit.store.take(FLASH, visit.session.uid);
  if (record === undefined) return undefined;
  const { key, tone, params = {}, text } = record.value as unknown as Flash;
  const { t } = translatorOf(visit);
  return { key, tone, title: t(`done.${key}.title`, params), text: t(text ?? `done.${key}.text`, params) };
}

/** Writes a change down. One made here by its owner is no news to them. */
export async function changed(
  visit: PortalVisit,
  event: AuditEvent["event"] | undefined,
  reason?: string,
): Promise<void> {
  const { audit, session, context, activity, hasNews } = visit;
  if (event !== undefined)
    audit.record({
      event,
      account: session.account.name,
      address: context.client_ip,
      reference: context.session,
      ...(reason === undefined ? {} : { reason }),
    });
  if (!hasNews) await activity.seen(session.account.name);
}
