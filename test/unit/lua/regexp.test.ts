import assert from "node:assert/strict";
import { test } from "node:test";
import { startBackend } from "../../support/lua.ts";
import { testExpressions } from "../../support/lua-values.ts";

/** Rows of a find, as text. */
const rows = (pattern: string, text: string): string =>
  `(function() local out = {} for _, row in ipairs(require('regexp').find_all_string_submatch(${pattern}, ${text})) do out[#out + 1] = table.concat(row, ',') end return table.concat(out, ';') end)()`;

testExpressions(
  [
    ["require('regexp').match('^a+b$', 'aaab'), require('regexp').match('^a+b$', 'b')", "true|false"],
    ["require('regexp').match('b', 'abc')", "true"],
    ["require('regexp').match('(?i)ÄPFEL', 'äpfel')", "true"],
    ["require('regexp').match('^.$', 'é')", "true"],
    // A byte that is no UTF-8 counts as one character.
    ["require('regexp').match('^.\\\\x00.$', '\\255\\0\\255')", "true"],
    [rows("[[(\\w+)@(\\w+)]]", "'a@b c@d'"), "a@b,a,b;c@d,c,d"],
    [rows("'(?P<x>a)|(b)'", "'ab'"), "a,a,;b,,b"],
    // As Go's FindAllStringSubmatch: no empty match right after another one.
    [rows("'a*'", "'baaau'"), ";aaa;"],
    [rows("''", "'é'"), ";"],
    ["#require('regexp').find_all_string_submatch('x', 'abc')", "0"],
    ["require('regexp').compile('a(b)'):match('xab')", "true"],
    ["require('regexp').compile('a(b)'):find_all_string_submatch('ab ab')[2][2]", "b"],
    ["require('regexp').compile('a(')", "nil|error parsing regexp: missing closing ): `a(`"],
    ["require('regexp').match('(?<=a)b', 'ab')", "nil|error parsing regexp: invalid named capture: `(?<=a)b`"],
    ["require('regexp').match([[(a)\\1]], 'aa')", "nil|error parsing regexp: invalid escape sequence: `\\1`"],
    // Time is bounded by pattern and text: what holds a backtracking engine for ever is answered at once.
    ["require('regexp').match('^(a+)+$', ('a'):rep(10000) .. 'b')", "false"],
    ["require('regexp').match('^(a|a)*$', ('a'):rep(5000) .. 'b')", "false"],
    ["require('regexp').match('(x{40}){40}', 'x')", "nil|error parsing regexp: invalid repeat count: `{40}`"],
    [
      "select(2, require('regexp').match('(?:a{500}b){3}c{900}', 'x'))",
      "the pattern is too large when its repeats are written out",
    ],
    [
      "select(2, require('regexp').match('(?P<n>\\\\pL{30}[[:alpha:]]{30}){31}[^]]{200}', 'x'))",
      "the pattern is too large when its repeats are written out",
    ],
    ["select(2, require('regexp').match(('a'):rep(1001), 'x'))", "a pattern of over 1000 characters"],
    [
      "select(2, require('regexp').match('a{100}b', ('x'):rep(1000000))):gsub('%d+', 'N')",
      "the text has N bytes; this pattern can be looked for in N|2",
    ],
    ["select(2, require('regexp').find_all_string_submatch('', ('x'):rep(20000)))", "over 10000 matches"],
  ],
  `require("regexp")`,
);

test("a search that goes on for long uses up the call's instructions, and pcall does not hold it", async () => {
  const backend = await startBackend(
    `local regexp = require("regexp")
    function nauthilus_backend_list_accounts()
      while true do pcall(regexp.find_all_string_submatch, "a.*z|a", ("a"):rep(2000)) end
    end`,
    { instructions: 500_000 },
  );
  try {
    const outcome = await backend.call("default", "nauthilus_backend_list_accounts", {});
    assert.match(outcome.ok ? "answered" : outcome.reason, /used up its instructions/);
    assert.deepEqual(
      backend.log.filter((line) => line.includes("thread was lost")),
      [],
    );
  } finally {
    await backend.stop();
  }
});
