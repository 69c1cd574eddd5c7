import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { own, stock } from "./sides.ts";

const RUNS = 300;
const SEED = 20_260_214;

/** Each chunk gets three numbers, and then what is in the table `t`. */
const CHUNKS: Readonly<Record<string, string>> = {
  concat: "return table.concat(t, ',')",
  "concat of a part": "return table.concat(t, '', a, b)",
  insert: "table.insert(t, 'new') return table.unpack(t)",
  "insert at a place": "table.insert(t, a, 'new') return table.unpack(t)",
  remove: "return table.remove(t), table.unpack(t)",
  "remove at a place": "return table.remove(t, a), #t, table.unpack(t)",
  move: "table.move(t, a, b, c) return table.unpack(t, 1, 20)",
  "move into another table": "return table.unpack(table.move(t, a, b, c, {}), 1, 20)",
  unpack: "return table.unpack(t)",
  "unpack of a part": "return table.unpack(t, a, b)",
  // Which two are compared first is not said.
  sort: "if not pcall(table.sort, t) then return false end return table.unpack(t)",
  "sort with an order": "table.sort(t, function(x, y) return tostring(x) > tostring(y) end) return table.unpack(t)",
  "sort by __lt":
    "local m = { __lt = function(x, y) return tostring(x.v) < tostring(y.v) end } for i = 1, #t do t[i] = setmetatable({ v = t[i] }, m) end table.sort(t) for i = 1, #t do t[i] = t[i].v end return table.unpack(t)",
  "a proxy":
    "local p = setmetatable({}, { __index = function(_, i) return t[i] end, __newindex = function(_, i, v) t[i] = v end, __len = function() return #t end }) table.insert(p, 1, 'new') table.sort(p, function(x, y) return tostring(x) < tostring(y) end) return table.concat(p, ','), table.unpack(p)",
  "a chain of proxies":
    "return table.concat(setmetatable({}, { __index = setmetatable({}, { __index = t }), __len = function() return #t end }))",
};
const place = fc.integer({ min: -2, max: 9 });
const numbers = fc.array(fc.integer({ min: -20, max: 20 }), { maxLength: 12 });
const strings = fc.array(fc.constantFrom("", "a", "b", "ab", "\0", "\xff", "B"), { maxLength: 12 });
const mixed = fc.array(fc.constantFrom<string | number>(1, 2, "a", "b"), { maxLength: 6 });

for (const [name, body] of Object.entries(CHUNKS)) {
  test(`${name} gives what the library of the package gives`, () => {
    const chunk = `local a, b, c = ... local t = { select(4, ...) } ${body}`;
    fc.assert(
      fc.property(fc.tuple(place, place, place), fc.oneof(numbers, strings, mixed), (places, values) => {
        assert.deepEqual(own(chunk, ...places, ...values), stock(chunk, ...places, ...values));
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });
}

/** Expressions, and how they fail. */
const FAULTS: readonly (readonly [string, string])[] = [
  ["table.concat()", "bad argument #1 to 'concat' (table expected, got no value)"],
  ["table.concat({ 1, {}, 3 })", "invalid value (table) at index 2 in table for 'concat'"],
  ["table.concat({}, '', 1, 1)", "invalid value (nil) at index 1 in table for 'concat'"],
  ["table.insert({}, 5, 1)", "bad argument #2 to 'insert' (position out of bounds)"],
  ["table.insert({}, 1, 2, 3)", "wrong number of arguments to 'insert'"],
  ["table.sort({ 3, 1 }, 7)", "bad argument #2 to 'sort' (function expected, got number)"],
  ["table.move({}, 1, 1e8, 2)", "table.move: over a million elements"],
  ["table.move({}, 1, 10, 2147483647)", "bad argument #4 to 'move' (destination wrap around)"],
  ["table.unpack({}, 1, 1e7)", "unpack: over ten thousand values"],
  ["tostring(setmetatable({}, { __tostring = function() return {} end }))", "'__tostring' must return a string"],
];
for (const [expression, message] of FAULTS) {
  test(`${expression} fails: ${message}`, () => {
    assert.deepEqual(own(`return ${expression}`), ["error", `chunk:1: ${message}`]);
  });
}

test("elements that cannot be compared are no order", () => {
  const [, message] = own("return table.sort({ 1, 'a', {} })");
  assert.match(String(message), /^attempt to compare/);
});

test("a sort keeps the order of what is equal, and an order that contradicts itself ends it in as many steps", () => {
  const stable = `local t = {}
    for i = 1, 200 do t[i] = { key = i % 3, at = i } end
    table.sort(t, function(a, b) return a.key < b.key end)
    for i = 2, 200 do if t[i].key == t[i - 1].key and t[i].at < t[i - 1].at then return false end end
    return true`;
  assert.deepEqual(own(stable), [true]);
  const steps = `local steps, t = 0, {}
    for i = 1, 1000 do t[i] = i end
    table.sort(t, function() steps = steps + 1 return steps % 2 == 0 end)
    return steps, #t`;
  const [made, length] = own(steps);
  assert.ok(Number(made) < 10_000);
  assert.equal(length, 1_000);
});
