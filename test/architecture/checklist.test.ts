import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { test } from "node:test";

/** Rows of the security checklist about OpenID Connect and OAuth: requests (1-28) and endpoints (29-48). */
const ROWS = Array.from({ length: 48 }, (_, index) => index + 1);

/** The rows that stand in front of the names of tests, also of those in a table: `[7] the redirect address …`. */
function rowsNamed(): ReadonlySet<number> {
  const names = globSync("test/**/*.test.ts").flatMap((file) => [
    ...readFileSync(file, "utf8").matchAll(/(?:test\(|^\s*)["`]((?:\[\d+\] )+)\S/gm),
  ]);
  return new Set(names.flatMap(([, rows = ""]) => [...rows.matchAll(/\d+/g)].map(([row]) => Number(row))));
}

test("each row of the OpenID Connect checklist is named by a test", () => {
  const named = rowsNamed();
  assert.deepEqual(
    ROWS.filter((row) => !named.has(row)),
    [],
  );
  assert.deepEqual(
    [...named].filter((row) => !ROWS.includes(row)),
    [],
  );
});
