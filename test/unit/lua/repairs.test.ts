import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { loadFengari } from "../../../src/lua/repairs.ts";

const require = createRequire(import.meta.url);

test("no function of the repaired Lua machine deletes slots of a stack", () => {
  const source = readFileSync(require.resolve("fengari/src/ldo.js"), "utf8");
  assert.match(source, /delete L\.stack\[/, "this fengari does not need the repair any more");
  loadFengari({ string: () => undefined, table: () => undefined });
  const { adjust_top: adjustTop } = require("fengari/src/ldo.js") as { adjust_top: () => void };
  assert.doesNotMatch(adjustTop.toString(), /delete/);
});

test("every string and table a script makes is told to the limits", () => {
  const told = { bytes: 0, tables: 0 };
  const { lua, lauxlib, to_luastring } = loadFengari({
    string: (bytes) => (told.bytes += bytes),
    table: () => (told.tables += 1),
  });
  const state = lauxlib.luaL_newstate();
  const before = { ...told };
  lua.lua_pushstring(state, to_luastring("x".repeat(1000)));
  lua.lua_newtable(state);
  assert.ok(told.bytes - before.bytes >= 1000 && told.tables > before.tables);
});
