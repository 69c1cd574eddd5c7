import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { Matcher, PatternError, readItems } from "../../../src/lua/patterns.ts";
import { own, stock } from "./sides.ts";

const RUNS = 4_000;
const SEED = 20_260_214;

/** Each chunk gets a subject, a pattern and a number. */
const CHUNKS: Readonly<Record<string, string>> = {
  find: "local s, p, n = ... return s:find(p, n)",
  "find, plain": "local s, p, n = ... return s:find(p, n, true)",
  match: "local s, p, n = ... return s:match(p, n)",
  gmatch: `local s, p = ...
    local next, all = s:gmatch(p), {}
    local function take(...)
      local count = select("#", ...)
      if count == 0 then return false end
      all[#all + 1] = count
      for index = 1, count do all[#all + 1] = (select(index, ...)) end
      return true
    end
    for _ = 1, 30 do if not take(next()) then break end end
    return table.unpack(all)`,
  "gsub with a text": "local s, p, n = ... return s:gsub(p, '<%0|%1>')",
  "gsub with a text and a limit": "local s, p, n = ... return s:gsub(p, '%%-%2', n)",
  "gsub with a function":
    "local s, p, n = ... return s:gsub(p, function(a, b) if a == 'a' then return nil end return '[' .. a .. '/' .. tostring(b) .. ']' end)",
  "gsub with a table": "local s, p, n = ... return s:gsub(p, { a = 'A', ab = false, b = 7, ['('] = 1.5 })",
  "gsub with a table that answers by a function":
    "local s, p, n = ... return s:gsub(p, setmetatable({ a = 'A' }, { __index = function(_, key) return key .. '!' end }), n)",
};

const oneOf = (characters: string) => fc.constantFrom(...characters.split(""));
const letter = oneOf("aaaabbc1 ().-%[]^$,A_\0\xff");
const subject = fc.array(letter, { maxLength: 18 }).map((letters) => letters.join(""));
const set = fc
  .tuple(
    fc.constantFrom("[", "[^"),
    fc.array(fc.constantFrom("a", "b", "-", "c", "]", "^", "%", "%d", "%]", "a-c", "\0-\x20", "\x80-\xff"), {
      maxLength: 4,
    }),
  )
  .map(([open, parts]) => `${open}${parts.join("")}]`);
const item = fc.oneof(
  { weight: 6, arbitrary: oneOf("aab.1 \0\xff") },
  { weight: 3, arbitrary: oneOf("acdglpsuwxzACDGLPSUWXZ.%(").map((kind) => `%${kind}`) },
  { weight: 3, arbitrary: set },
  { weight: 2, arbitrary: fc.constantFrom("()", "(", ")", "(a", "b)", "(.)", "(.-)", "(%w*)") },
  {
    weight: 3,
    arbitrary: fc.constantFrom("%b()", "%baa", "%f[%w]", "%f[^a]", "%f[%z]", "%0", "%1", "%2", "^", "$", "]", "-"),
  },
);
const repeated = fc.tuple(item, fc.constantFrom("", "", "", "*", "+", "-", "?")).map((parts) => parts.join(""));
const pattern = fc
  .tuple(
    fc.constantFrom("", "", "", "^"),
    fc.array(repeated, { maxLength: 5 }),
    fc.constantFrom("", "", "", "", "$", "%", "[", "[a", "[^]", "%b", "%b(", "%f", "%fa", "%f[a"),
  )
  .map(([anchor, items, end]) => anchor + items.join("") + end);
const noise = fc.array(oneOf("%%[]()^$.-*+?abdf1\0\xff"), { maxLength: 8 }).map((letters) => letters.join(""));

for (const [name, chunk] of Object.entries(CHUNKS)) {
  test(`${name} gives what the library of the package gives, with any pattern`, () => {
    fc.assert(
      fc.property(
        subject,
        fc.oneof({ weight: 4, arbitrary: pattern }, noise),
        fc.integer({ min: -6, max: 12 }),
        (...args) => {
          assert.deepEqual(own(chunk, ...args), stock(chunk, ...args));
        },
      ),
      { seed: SEED, numRuns: RUNS },
    );
  });
}

/** Expressions, and what they give. */
const CLASSICS: readonly (readonly [string, readonly unknown[]])[] = [
  ["('hello world'):find('wor')", [7, 9]],
  ["('hello'):find('l', -2)", [4, 4]],
  ["('a.b'):find('.', 2, true)", [2, 2]],
  ["('abc'):find('', 4)", [4, 3]],
  ["('abc'):find('', 5)", [null]],
  ["('key = value'):match('^(%w+)%s*=%s*(%w+)$')", ["key", "value"]],
  ["('  trim me  '):match('^%s*(.-)%s*$')", ["trim me"]],
  ["('2026-02-14'):match('(%d+)-(%d+)-(%d+)')", ["2026", "02", "14"]],
  ["('hello'):match('()ll()')", [3, 5]],
  ["('say \"it\" twice'):match('([\"\\'])(.-)%1')", ['"', "it"]],
  ["('f(a(b)c)d'):match('%b()')", ["(a(b)c)"]],
  ["('THE (quick) fox'):find('%f[%a]%a+%f[%A]')", [1, 3]],
  ["('a]b'):match('[]]')", ["]"]],
  ["('a-b'):match('[a-]+')", ["a-"]],
  ["('x^y'):match('[%^x]+')", ["x^"]],
  ["('aaa'):match('a-b')", [null]],
  ["('a\\0b'):match('%z')", ["\0"]],
  ["('\\255\\254'):match('[\\254-\\255]+')", ["\xff\xfe"]],
  ["('abc'):gsub('', '-')", ["-a-b-c-", 4]],
  ["('abc'):gsub('%w', '%0%0')", ["aabbcc", 3]],
  ["('hello world'):gsub('(%w+) (%w+)', '%2 %1')", ["world hello", 1]],
  ["('abc'):gsub('b', '%%')", ["a%c", 1]],
  ["('$name is $age'):gsub('%$(%w+)', { name = 'Al', age = 7 })", ["Al is 7", 2]],
  ["('abc'):gsub('.', function(c) if c == 'b' then return false end end)", ["abc", 3]],
  ["('aaaa'):gsub('a', 'b', 2)", ["bbaa", 2]],
  ["('aaaa'):gsub('^a', 'b')", ["baaa", 1]],
  ["('abc'):gsub('()', '%1')", ["1a2b3c4", 4]],
  ["('a*'):gsub('a*%f[a]', 'x')", ["xa*", 1]],
  ["string.rep(12, 2)", ["1212"]],
  ["('ab'):rep(3, ',')", ["ab,ab,ab"]],
  ["('ab'):rep(0)", [""]],
  ["('ab'):rep(-1, 'x')", [""]],
  ["('ab'):rep(1, 'long separator')", ["ab"]],
  ["('ab'):rep(2.7)", ["abab"]],
  ["(''):rep(1e9)", [""]],
];
for (const [expression, expected] of CLASSICS) {
  test(`${expression} gives ${JSON.stringify(expected)}`, () =>
    assert.deepEqual(own(`return ${expression}`), expected));
}

/** Expressions, and how they fail. */
const FAULTS: readonly (readonly [string, string])[] = [
  ["('a'):find('%')", "malformed pattern (ends with '%')"],
  ["('a'):find('[a')", "malformed pattern (missing ']')"],
  ["('a'):find('%f')", "missing '[' after '%f' in pattern"],
  ["('a'):find('%b')", "malformed pattern (missing arguments to '%b'"],
  ["('a'):match('(a')", "unfinished capture"],
  ["('a'):match('a)')", "invalid pattern capture"],
  ["('a'):match('%1')", "invalid capture index %1"],
  ["('a'):gsub('a', '%2')", "invalid capture index %2"],
  ["('a'):gsub('a', '%x')", "invalid use of '%' in replacement string"],
  ["('a'):gsub('a', function() return {} end)", "invalid replacement value (a table)"],
  ["('a'):gsub('a')", "bad argument #2 to 'gsub' (string/function/table expected)"],
  ["('x'):match(('()'):rep(33))", "too many captures"],
  ["('x'):rep(300):match(('x?'):rep(300))", "pattern too complex"],
  ["('x'):find(('[x]'):rep(30000))", "pattern too long"],
  ["('x'):rep(1e7)", "string.rep: the result would be larger than 1 MB"],
  ["string.find()", "bad argument #1 to 'find' (string expected, got no value)"],
  ["('x'):find('x', {})", "bad argument #2 to 'find' (number expected, got table)"],
];
for (const [expression, message] of FAULTS) {
  test(`${expression} fails: ${message}`, () => {
    assert.deepEqual(own(`return ${expression}`), ["error", `chunk:1: ${message}`]);
  });
}

test("a faulty pattern that is not reached is no fault, as in Lua", () => {
  assert.deepEqual(own("return ('abc'):find('x[')"), [null]);
});

test("a plain text is found in time, however much it is like the text around", () => {
  const started = performance.now();
  assert.deepEqual(own("return (('a'):rep(1000000)):find(('a'):rep(500000) .. 'b', 1, true)"), [null]);
  assert.deepEqual(
    own("return (('a'):rep(1000000) .. 'b'):find(('a'):rep(500000) .. 'b', 1, true)"),
    [500_001, 1_000_001],
  );
  assert.ok(performance.now() - started < 2_000);
});

test("the matcher tells of its steps before there are many, and can be ended there", () => {
  const bytes = (text: string) => Uint8Array.from(Buffer.from(text));
  let told = 0;
  const matcher = new Matcher(bytes("a".repeat(400)), readItems(bytes(".-.-.-.-b")), (steps) => {
    assert.ok(steps < 11_000);
    told += steps;
    if (told > 100_000) throw new Error("enough");
  });
  assert.throws(() => matcher.exec(0), /enough/);
  const short = new Matcher(bytes("aab"), readItems(bytes("a+b")), (steps) => {
    told = steps;
  });
  assert.equal(short.exec(0), 3);
  short.settle();
  assert.ok(told > 3 && told < 20);
  assert.throws(() => readItems(bytes("x".repeat(70_000))), PatternError);
});
