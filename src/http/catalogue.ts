import { readFileSync } from "node:fs";
import { IntlMessageFormat } from "intl-messageformat";

export type Translate = (key: string, params?: Readonly<Record<string, string | number>>) => string;

/** Texts by language, in ICU MessageFormat; the English one is the source. */
export interface Catalogue {
  translate(lang: string): Translate;
}

export function loadCatalogue(languages: readonly string[]): Catalogue {
  const texts = new Map([...new Set(["en", ...languages])].map((lang) => [lang, readTexts(lang)]));
  const compiled = new Map<string, IntlMessageFormat>();
  const find = (lang: string, key: string): IntlMessageFormat => {
    const known = compiled.get(`${lang}:${key}`);
    if (known !== undefined) return known;
    const text = texts.get(lang)?.[key] ?? texts.get("en")?.[key];
    if (text === undefined) throw new Error(`there is no text ${key}`);
    const message = new IntlMessageFormat(text, lang, undefined, { ignoreTag: true });
    compiled.set(`${lang}:${key}`, message);
    return message;
  };
  return { translate: (lang) => (key, params) => String(find(lang, key).format(params)) };
}

function readTexts(lang: string): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(new URL(`./texts/${lang}.json`, import.meta.url), "utf8")) as Record<string, string>;
}
