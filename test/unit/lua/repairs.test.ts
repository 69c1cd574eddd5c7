import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { loadFengari } from "../../../src/lua/repairs.ts";

const require = createRequire(import.meta.url);

const told = { bytes: 0, tables: 0, looked: 0 };
// Loaded once: a thread has one Lua machine.
const { lua, lauxlib, to_luastring } = loadFengari({
  string: (bytes) => {
    told.bytes += bytes;
  },
  table: () => {
    told.tables += 1;
  },
  looked: (bytes) => {
    told.looked += bytes;
  },
});

test("no function of the repaired Lua machine deletes slots of a stack", () => {
  const source = readFileSync(require.resolve("fengari/src/ldo.js"), "utf8");
  assert.match(source, /delete L\.stack\[/, "this fengari does not need the repair any more");
  const loaded = require("fengari/src/ldo.js") as Readonly<Record<string, () => void>>;
  assert.doesNotMatch(String(loaded["adjust_top"]), /delete/);
});

test("every string and table a script makes is told to the limits", () => {
  const state = lauxlib.luaL_newstate();
  const earlier = { ...told };
  const source = to_luastring(`local long = "${"x".repeat(500)}" local joined = long .. long return {}`);
  lauxlib.luaL_loadbufferx(state, source, source.length, to_luastring("=test"), to_luastring("t"));
  lua.lua_call(state, 0, 1);
  assert.ok(told.bytes - earlier.bytes >= 1000 && told.tables > earlier.tables);
});

test("long strings that are compared or used as keys are told to the limits, short ones are not", () => {
  const state = lauxlib.luaL_newstate();
  const run = (text: string): number => {
    const earlier = told.looked;
    const source = to_luastring(`local a, b, t = "${text}" .. 1, "${text}" .. 1, {} t[a] = a == b and a <= b`);
    lauxlib.luaL_loadbufferx(state, source, source.length, to_luastring("=test"), to_luastring("t"));
    lua.lua_call(state, 0, 0);
    return told.looked - earlier;
  };
  assert.equal(run("x".repeat(5_000)), 0);
  assert.ok(run("x".repeat(20_000)) >= 60_000);
});
