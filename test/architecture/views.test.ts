import assert from "node:assert/strict";
import { globSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";

const VIEWS = globSync("views/**/*.ejs").toSorted();
const read = (path: string): string => readFileSync(path, "utf8");
const TEXTS = JSON.parse(read("src/http/texts/en.json")) as Readonly<Record<string, string>>;

/** Places in all views that match. */
function offenders(pattern: RegExp): readonly string[] {
  return VIEWS.flatMap((path) => [...read(path).matchAll(pattern)].map(([found]) => `${path}: ${found}`));
}

function keysIn(call: "t" | "rich"): readonly string[] {
  return VIEWS.flatMap((path) =>
    [...read(path).matchAll(new RegExp(`view\\.${call}\\("([^"]+)"`, "g"))].map(([, key = ""]) => key),
  );
}

test("there are views to look at", () => {
  assert.ok(VIEWS.length >= 13, VIEWS.join(", "));
});

test("views print unescaped only what an include, the layout's body or the text helper made", () => {
  const allowed =
    /^<%-\s*(?:include\("\/partials\/[a-z]+", \{[^{}]*\}\)|view\.rich\((?:"[^"]+"|`[^`]+`)[^%]*\)|view\.body)\s*%>$/;
  const raw = VIEWS.flatMap((path) => [...read(path).matchAll(/<%-.*?%>/gs)].map(([tag]) => ({ path, tag })));
  assert.ok(raw.length > 0);
  assert.deepEqual(
    raw.filter(({ path, tag }) => !allowed.test(tag) || (tag.includes("view.body") && path !== "views/layout.ejs")),
    [],
  );
});

test("views have no inline style, script or event handler, which the content security policy would block", () => {
  assert.deepEqual(offenders(/\sstyle\s*=|<style|\son[a-z]+\s*=|javascript:/gi), []);
  assert.deepEqual(offenders(/<script(?![^>]*\ssrc="<%= view\.(?:js|ceremony) %>")[^>]*>/gi), []);
});

test("views load nothing from another site", () => {
  assert.deepEqual(offenders(/(?:src|href|action)="(?:https?:)?\/\//gi), []);
});

test("values stand in quoted attributes only", () => {
  assert.deepEqual(offenders(/\s[a-z-]+=<%[=-]/g), []);
});

test("every field of a form has a label and no placeholder", () => {
  assert.deepEqual(offenders(/placeholder=/gi), []);
  for (const path of VIEWS) {
    for (const [, id = ""] of read(path).matchAll(/<input id="([a-z]+)"/g))
      assert.ok(read(path).includes(`<label for="${id}">`), `${path}: ${id}`);
  }
});

test("a submit button is never disabled, which would drop its value from the form", () => {
  assert.deepEqual(offenders(/\sdisabled\b/g), []);
  assert.doesNotMatch(read("public/ui.js"), /\.disabled\s*=/);
});

test("each text a view names is in the catalogue, and texts with markup go through the rich helper", () => {
  assert.deepEqual(
    [...keysIn("t"), ...keysIn("rich")].filter((key) => !(key in TEXTS)),
    [],
  );
  assert.deepEqual(
    keysIn("t").filter((key) => TEXTS[key]?.includes("<")),
    [],
  );
});

test("the style sheet is one file below 20 KB that names no physical side and never hides the focus", () => {
  const css = read("public/style.css");
  assert.ok(statSync("public/style.css").size < 20_000);
  assert.doesNotMatch(css, /outline:\s*(?:none|0)/);
  assert.doesNotMatch(
    css,
    /(?:margin|padding|border|inset)-(?:left|right)|(?:^|[\s;{])(?:left|right|float):|text-align:\s*(?:left|right)/m,
  );
});
