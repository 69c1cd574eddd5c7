import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { startBackend, type TestBackend } from "../support/lua.ts";
import { contractPage, SCRIPT, SEED_ROWS } from "./seed-rows.ts";

let backend: TestBackend;
before(async () => {
  backend = await startBackend(SCRIPT);
});
after(() => backend.stop());

for (const { section, says, holds } of SEED_ROWS) test(`${section}: ${says}`, () => holds(backend));

test("docs/contract.md is generated from these rows", () => {
  assert.equal(readFileSync("docs/contract.md", "utf8"), contractPage());
});
