import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startBackend, type TestBackend } from "./lua.ts";

/** A Lua expression, and what it gives: one value as text, or several joined by "|". */
export type Case = readonly [expression: string, expected: string];

/** Makes a test of each expression; all run in one backend that begins with `top`. Bytes are Latin-1 on both sides. */
export function testExpressions(cases: readonly Case[], top = ""): void {
  let backend: TestBackend;
  before(async () => {
    const functions = cases.map(([expression], index) => `["${index}"] = function() return ${expression}\nend,`);
    backend = await startBackend(
      Buffer.from(
        `${top}
local cases = {\n${functions.join("\n")}\n}
function nauthilus_backend_list_accounts(request)
  local function shown(first, ...)
    if select("#", ...) == 0 then return tostring(first) end
    return tostring(first) .. "|" .. shown(...)
  end
  return 0, { shown(cases[request.username]()) }
end`,
        "latin1",
      ),
    );
  });
  after(() => backend.stop());
  cases.forEach(([expression, expected], index) => {
    test(`${expression.slice(0, 100)} is ${expected.slice(0, 60)}`, async () => {
      const outcome = await backend.call("default", "nauthilus_backend_list_accounts", { username: String(index) });
      assert.deepEqual(outcome.ok ? outcome.result.value : outcome.reason, [expected]);
    });
  });
}
