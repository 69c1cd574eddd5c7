import { readFileSync } from "node:fs";
import { IntlMessageFormat } from "intl-messageformat";
import { escapeHtml } from "./html.ts";

type Params = Readonly<Record<string, string | number>>;

/** A text of the catalogue. @throws Error for a key or a parameter that is not there. */
export type Translate = (key: string, params?: Params) => string;

/** Texts by language, in ICU MessageFormat; the English one is the source. */
export interface Catalogue {
  /** Plain text, not escaped. */
  translate(lang: string): Translate;
  /**
   * HTML: the text's own `<b>` stays, everything else is escaped, and each name in it stands in a `<bdi>`,
   * so that a name in another script cannot turn the sentence around.
   */
  rich(lang: string): Translate;
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
  const plain = new Map<string, string>();
  const format = (lang: string, key: string, params?: Params): string => {
    if (params !== undefined) return String(find(lang, key).format(params));
    // A text without names is the same every time.
    const known = plain.get(`${lang}:${key}`) ?? String(find(lang, key).format());
    plain.set(`${lang}:${key}`, known);
    return known;
  };
  return {
    translate: (lang) => (key, params) => format(lang, key, params),
    rich: (lang) => (key, params) => toHtml((marked) => format(lang, key, marked), params ?? {}),
  };
}

/** Formats with marks in place of the names and puts the names in last, so that nothing in a name is read as markup. */
function toHtml(format: (params: Params) => string, params: Params): string {
  const names: string[] = [];
  const marked = Object.entries(params).map(([key, value]): [string, string | number] =>
    typeof value === "number" ? [key, value] : [key, `\uE000${names.push(value) - 1}\uE001`],
  );
  return escapeHtml(format(Object.fromEntries(marked)))
    .replaceAll(/&lt;(\/?b)&gt;/g, "<$1>")
    .replaceAll(/\uE000(\d+)\uE001/g, (_mark, at: string) => `<bdi>${escapeHtml(names[Number(at)])}</bdi>`);
}

function readTexts(lang: string): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(new URL(`./texts/${lang}.json`, import.meta.url), "utf8")) as Record<string, string>;
}
