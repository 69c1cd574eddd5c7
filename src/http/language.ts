import type { IncomingMessage } from "node:http";

/** What is known about the language a person wants, most explicit first. */
export interface LanguagePreferences {
  /** Path and query of the page, for the links of the language menu. */
  readonly url: string;
  readonly uiLocales?: string;
  readonly cookieLang?: string;
  readonly acceptLanguage?: string;
}

/** Behind an https issuer, `__Host-` stands before it. */
export const LANGUAGE_COOKIE = "moonlatch_lang";

/** Reads the preferences of a request; `?ui_locales=` is the language menu's link. */
export function preferencesOf(req: IncomingMessage & { originalUrl?: string }): LanguagePreferences {
  const url = req.originalUrl ?? req.url ?? "/";
  const chosen = new URLSearchParams(url.split("?", 2)[1] ?? "").get("ui_locales");
  const cookie = new RegExp(`(?:^|;\\s*)(?:__Host-)?${LANGUAGE_COOKIE}=([a-z]{2})(?:;|$)`).exec(
    req.headers.cookie ?? "",
  )?.[1];
  return {
    url,
    ...(chosen === null ? {} : { uiLocales: chosen }),
    ...(cookie === undefined ? {} : { cookieLang: cookie }),
    ...(req.headers["accept-language"] === undefined ? {} : { acceptLanguage: req.headers["accept-language"] }),
  };
}

/** The language to use: `ui_locales`, then cookie, then Accept-Language (RFC 9110 section 12.5.4), then the first one offered. */
export function chooseLanguage(preferences: LanguagePreferences, offered: readonly string[]): string {
  const wanted = [
    ...(preferences.uiLocales?.split(" ") ?? []),
    preferences.cookieLang ?? "",
    ...accepted(preferences.acceptLanguage ?? ""),
  ];
  const primary = wanted.map((tag) => tag.split("-", 1)[0]?.toLowerCase() ?? "");
  return primary.find((tag) => offered.includes(tag)) ?? offered[0] ?? "en";
}

function accepted(header: string): readonly string[] {
  return header
    .slice(0, 512)
    .split(",")
    .map((part) => {
      const [tag = "", quality] = part.trim().split(";", 2);
      return { tag, weight: quality === undefined ? 1 : Number(quality.replace(/^\s*q=/, "")) || 0 };
    })
    .filter(({ weight }) => weight > 0)
    .toSorted((a, b) => b.weight - a.weight)
    .map(({ tag }) => tag);
}
