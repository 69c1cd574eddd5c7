import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { IntlMessageFormat } from "intl-messageformat";
import { ERROR_CATALOG } from "../../../src/kernel/index.ts";

type Texts = Readonly<Record<string, string>>;
const texts = (lang: string): Texts => JSON.parse(readFileSync(`src/http/texts/${lang}.json`, "utf8")) as Texts;
const EN = texts("en");

interface Part {
  readonly type: number;
  readonly value?: string;
  readonly options?: Readonly<Record<string, { readonly value: readonly Part[] }>>;
}

/** Names of the parameters of a message, also inside plurals. Type 0 is literal text, 7 the `#` of a plural. */
function parameters(text: string, lang: string): readonly string[] {
  const walk = (parts: readonly Part[]): readonly string[] =>
    parts.flatMap((part) => [
      ...(part.type === 0 || part.type === 7 ? [] : [part.value ?? ""]),
      ...Object.values(part.options ?? {}).flatMap((option) => walk(option.value)),
    ]);
  const message = new IntlMessageFormat(text, lang, undefined, { ignoreTag: true });
  return [...new Set(walk(message.getAst()))].toSorted();
}

test("English and German have the same texts with the same parameters and markup", () => {
  const de = texts("de");
  assert.deepEqual(Object.keys(de).toSorted(), Object.keys(EN).toSorted());
  for (const [key, text] of Object.entries(EN)) {
    const other = de[key] ?? "";
    assert.deepEqual(parameters(other, "de"), parameters(text, "en"), key);
    assert.deepEqual(other.match(/<\/?b>/g), text.match(/<\/?b>/g), key);
    assert.notEqual(other.trim(), "", key);
  }
});

test("the parameters are really found", () => {
  assert.deepEqual(parameters(EN["logout.text"] ?? "", "en"), ["n", "product"]);
});

test("German is not English, but for words that are the same in both", () => {
  const same = Object.entries(texts("de"))
    .filter(([key, text]) => text === EN[key])
    .map(([key]) => key);
  assert.deepEqual(same, ["error.code", "rename.label"]);
});

test("German addresses people formally", () => {
  for (const [key, text] of Object.entries(texts("de"))) assert.doesNotMatch(text, /\b(?:du|dein\w*|dich|dir)\b/i, key);
});

test("texts are calm: no exclamation marks, no straight apostrophes, no blame", () => {
  for (const text of Object.values(EN)) assert.doesNotMatch(text, /!|\w'\w|\b(?:oops|please|invalid)\b/i);
});

test("every kind of error page has a title and a text", () => {
  for (const { page } of Object.values(ERROR_CATALOG))
    for (const part of ["title", "text"]) assert.ok(EN[`error.${page}.${part}`], `error.${page}.${part}`);
});
