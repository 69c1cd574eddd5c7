import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseLanguage } from "../../../src/http/language.ts";

const OFFERED = ["en", "de", "fr"];
const choose = (preferences: { uiLocales?: string; cookieLang?: string; acceptLanguage?: string }): string =>
  chooseLanguage({ url: "/", ...preferences }, OFFERED);

test("ui_locales wins over the cookie, the cookie over Accept-Language, and that over the first language offered", () => {
  assert.equal(choose({ uiLocales: "de", cookieLang: "fr", acceptLanguage: "en" }), "de");
  assert.equal(choose({ cookieLang: "fr", acceptLanguage: "de" }), "fr");
  assert.equal(choose({ acceptLanguage: "de" }), "de");
  assert.equal(choose({}), "en");
});

test("a wish that cannot be met passes on to the next one", () => {
  assert.equal(choose({ uiLocales: "xx", cookieLang: "yy", acceptLanguage: "zz, de" }), "de");
  assert.equal(choose({ uiLocales: "ja fr-CA" }), "fr");
  assert.equal(choose({ acceptLanguage: "*" }), "en");
});

test("Accept-Language goes by weight, and weight zero means not this one", () => {
  assert.equal(choose({ acceptLanguage: "en;q=0.3, de-AT;q=0.9, fr;q=0.5" }), "de");
  assert.equal(choose({ acceptLanguage: "de;q=0, fr;q=0.1" }), "fr");
  assert.equal(choose({ acceptLanguage: "de;q=0" }), "en");
  assert.equal(choose({ acceptLanguage: "de;q=nonsense, fr;q=0.1" }), "fr");
});

test("hostile headers choose the default quickly", () => {
  const before = performance.now();
  assert.equal(choose({ acceptLanguage: ",;q=".repeat(10_000), uiLocales: "__proto__ constructor" }), "en");
  assert.ok(performance.now() - before < 200);
});
