import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { inspectScript } from "../../../src/lua/index.ts";

function inspect(source: string) {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-check-"));
  try {
    writeFileSync(join(folder, "a.lua"), source);
    writeFileSync(join(folder, "own.lua"), "return {}");
    return inspectScript(join(folder, "a.lua"), { packagePath: [folder] }).map(({ line, message }) => ({
      line,
      message,
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test("an unknown global and an unknown result code are named with their lines", () => {
  const source = `local builtin = require("nauthilus_builtin")
function nauthilus_backend_verify_password(request)
  if request.username == nil then return usernam end
  if request.x then return nauthilus_builtin.BACKEND_RESULT_OKAY end
  return builtin.BACKEND_RESULT_NOTFOUND
end
own_global = 1
print(own_global)`;
  assert.deepEqual(inspect(source), [
    { line: 3, message: "the global usernam is never set; it would be nil" },
    { line: 4, message: "there is no result code BACKEND_RESULT_OKAY; it would be nil, and nil is an error" },
    { line: 5, message: "there is no result code BACKEND_RESULT_NOTFOUND; it would be nil, and nil is an error" },
  ]);
});

test("modules that are not there or do nothing are named with their lines", () => {
  const source = `local json, own, text = require("json"), require "own", require("string")
local smtp = require("nauthilus_mial")
local function late() return require("cmd") end
require("nauthilus_psnet")
local name = "json"
local unknown = require(name .. "x")
return require("own.inner")`;
  assert.deepEqual(inspect(source), [
    { line: 2, message: "there is no module nauthilus_mial: no file of that name is on the package path" },
    {
      line: 3,
      message: "there is no module cmd: a script runs no programs and loads no code of the machine",
    },
    { line: 4, message: "the module nauthilus_psnet does nothing here: connections are not counted" },
    { line: 7, message: "there is no module own.inner: no file of that name is on the package path" },
  ]);
});

test("a global that an init script sets is known", () => {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-check-"));
  try {
    const [init, script] = [join(folder, "init.lua"), join(folder, "a.lua")];
    writeFileSync(init, "table_of_all = {}");
    writeFileSync(script, "print(table_of_all, table_of_none)");
    const message = (name: string) => `the global ${name} is never set; it would be nil`;
    assert.deepEqual(
      inspectScript(script, { init: [init] }).map((finding) => finding.message),
      [message("table_of_none")],
    );
    assert.equal(inspectScript(script)[0]?.message, message("table_of_all"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a syntax error is named with its line", () => {
  assert.equal(inspect("local a = 1\nlocal b = = 2")[0]?.line, 2);
});

test("the shipped backends have no finding", () => {
  for (const name of ["sqlite", "minimal"])
    assert.deepEqual(inspectScript(join(import.meta.dirname, `../../../lua/${name}.lua`)), []);
});
