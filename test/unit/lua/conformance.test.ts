// The language as scripts for Lua 5.1 know it. Each case of the data states one thing, with what PUC Lua 5.1.5 printed for it; where
// we differ on purpose, it says why.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startBackend, type TestBackend } from "../../support/lua.ts";

interface DialectCase {
  readonly states: string;
  readonly chunk: string;
  readonly prints: string;
  readonly ours?: string;
  readonly because?: string;
}

const CASES = JSON.parse(readFileSync(join(import.meta.dirname, "dialect-cases.json"), "utf8")) as DialectCase[];
const SHOWN = `local function shown(...)
  local out = {}
  for i = 1, select("#", ...) do out[i] = tostring((select(i, ...))) end
  return table.concat(out, "|")
end`;

let backend: TestBackend;
before(async () => {
  backend = await startBackend(`${SHOWN}
function nauthilus_backend_list_accounts(request)
  local chunk = assert(loadstring(request.password, "=chunk"))
  return 0, { shown(chunk()) }
end`);
});
after(() => backend.stop());

for (const { states, chunk, prints, ours, because } of CASES) {
  test(because === undefined ? states : `${states} (differs: ${because})`, async () => {
    const outcome = await backend.call("default", "nauthilus_backend_list_accounts", { password: chunk });
    assert.deepEqual(outcome.ok ? outcome.result.value : outcome.reason, [ours ?? prints]);
  });
}

const REFERENCE = spawnSync("lua5.1", ["-v"]).status === 0;

test("the data is what the reference implementation prints", { skip: !REFERENCE && "lua5.1 is not installed" }, () => {
  for (const { states, chunk, prints } of CASES) {
    const input = Buffer.from(`${SHOWN}\nio.write(shown((function(...) ${chunk}\nend)()))`, "latin1");
    const { stdout, stderr } = spawnSync("lua5.1", ["-"], { input, env: { ...process.env, LC_ALL: "C" } });
    assert.equal(stdout.toString("latin1"), prints, `${states}: ${stderr.toString()}`);
  }
});

/** Attempts on what the host made, by way of environments of functions. */
const ATTEMPTS: readonly (readonly [what: string, chunk: string])[] = [
  ["a module's function", "return pcall(setfenv, require('nauthilus_util').toboolean, {})"],
  ["a module's function that reads globals", "return pcall(setfenv, require('nauthilus_util').table_length, {})"],
  ["a library function of ours", "return pcall(setfenv, pairs, {})"],
  ["require itself", "return pcall(setfenv, require, {})"],
];
for (const [what, chunk] of ATTEMPTS) {
  test(`the environment of ${what} cannot be changed`, async () => {
    const outcome = await backend.call("default", "nauthilus_backend_list_accounts", { password: chunk });
    assert.deepEqual(outcome.ok ? outcome.result.value : outcome.reason, [
      "false|'setfenv' cannot change environment of given object",
    ]);
  });
}

test("no level and no function leads to the host's own globals", async () => {
  const chunk = `local before, found = stolen, {}
    for level = 0, 12 do local ok, env = pcall(getfenv, level) if ok and env ~= _G then found[#found + 1] = level end end
    for _, fn in ipairs({ pairs, require, print, string.format, require("nauthilus_util").table_length, os.time }) do
      if getfenv(fn) ~= _G then found[#found + 1] = "function" end
    end
    for level = 2, 12 do pcall(setfenv, level, setmetatable({ stolen = true }, { __index = _G })) end
    return #found, debug, before`;
  for (let call = 0; call < 2; call += 1) {
    const outcome = await backend.call("default", "nauthilus_backend_list_accounts", { password: chunk });
    assert.deepEqual(outcome.ok ? outcome.result.value : outcome.reason, ["0|nil|nil"]);
  }
});

test("an operator's file that calls module is a module, and its functions are found by name", async () => {
  const { writeFileSync } = await import("node:fs");
  const source = `module("shapes", package.seeall)\nfunction area(r) return tostring(r * r) end`;
  writeFileSync(join(backend.folder, "shapes.lua"), source);
  const chunk = `local shapes = require("shapes") return shapes.area(4), area`;
  for (let call = 0; call < 2; call += 1) {
    const outcome = await backend.call("default", "nauthilus_backend_list_accounts", { password: chunk });
    assert.deepEqual(outcome.ok ? outcome.result.value : outcome.reason, ["16|nil"]);
  }
});
