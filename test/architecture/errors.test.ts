import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ERROR_CATALOG } from "../../src/kernel/index.ts";

const codes = Object.keys(ERROR_CATALOG);
const sources = globSync("src/**/*.ts")
  .map((file) => readFileSync(file, "utf8"))
  .join("\n");
const texts = JSON.parse(readFileSync("src/http/texts/en.json", "utf8")) as Readonly<Record<string, string>>;

test("every error of the catalogue is thrown somewhere", () => {
  assert.deepEqual(
    codes.filter((code) => !sources.includes(`IdpError("${code}"`)),
    [],
  );
});

test("every error is documented with its status, and nothing else is", () => {
  const rows = [...readFileSync("docs/errors.md", "utf8").matchAll(/^\| ([A-Z_]+) \| (\d+) \|/gm)];
  assert.deepEqual(
    rows.map(([, code, status]) => [code, Number(status)]),
    Object.entries(ERROR_CATALOG).map(([code, { status }]) => [code, status]),
  );
});

test("every error has a page text", () => {
  for (const { page } of Object.values(ERROR_CATALOG)) {
    assert.ok(texts[`error.${page}.title`] !== undefined && texts[`error.${page}.text`] !== undefined, page);
  }
});
