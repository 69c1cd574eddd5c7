import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Secret } from "../../../src/kernel/index.ts";
import { CONTEXT, startBackend, type TestBackend } from "../../support/lua.ts";

const RUNAWAYS: Readonly<Record<string, string>> = {
  "an endless loop": "while true do end",
  "a loop around pcall": "while true do pcall(function() while true do end end) end",
  "a loop of xpcall with a looping handler":
    "while true do xpcall(function() error('x') end, function() while true do end end) end",
  "a loop in wrapped coroutines": "while true do coroutine.wrap(function() while true do end end)() end",
  "a loop in resumed coroutines":
    "while true do coroutine.resume(coroutine.create(function() while true do end end)) end",
  "a coroutine that yields for ever":
    "local co = coroutine.wrap(function() while true do coroutine.yield() end end) while true do co() end",
  "a storm of coroutines":
    "local t = {} while true do t[#t + 1] = coroutine.create(function() end) coroutine.resume(t[#t]) end",
  "a loop of load": "while true do load('while true do end')() end",
  "a loop in a metamethod": "local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
  "a loop in a sort comparator": "table.sort({ 3, 2, 1 }, function() while true do end end)",
  "a loop in a coroutine in a sort comparator":
    "table.sort({ 3, 2, 1 }, function() return coroutine.wrap(function() while true do end end)() end)",
  "a loop in a gsub callback": "string.gsub('abc', '.', function() while true do end end)",
  "a loop in __tostring": "return tostring(setmetatable({}, { __tostring = function() while true do end end }))",
  "a loop of caught errors": "while true do pcall(error, 'x') end",
  "caught errors in gsub": "while true do ('a'):rep(1000):gsub('.', function() pcall(error, 'x') end) end",
  "a pattern bomb": "string.find(('a'):rep(400), '.-.-.-.-b')",
  "a pattern bomb of captures": "string.match(('a'):rep(100000), '(.*)(.*)(.*)(.*)(.*)x')",
  "a string of a gigabyte": "return ('x'):rep(1e9)",
  "a doubling string": "local s = 'x' while true do s = s .. s end",
  "a doubling string in pcall": "while true do pcall(function() local s = 'x' while true do s = s .. s end end) end",
  "megabytes that are kept": "local t = {} while true do t[#t + 1] = ('x'):rep(1000000) .. #t end",
  "ten gigabytes of table.concat":
    "local t, s = {}, ('x'):rep(1000000) for i = 1, 10000 do t[i] = s end return table.concat(t)",
  "a growing gsub": "local s = ('x'):rep(1000000) return s:gsub('x', s)",
  "a format of many megabytes":
    "local t, s = {}, ('x'):rep(1000000) for i = 1, 200 do t[i] = s end return ('%s'):rep(200):format(unpack(t))",
  "comparisons of megabytes":
    "local a, b = ('x'):rep(999999) .. 'a', ('x'):rep(999999) .. 'a' while true do local _ = a == b or a < b end",
  "endless recursion": "local function f() return f() + 1 end return f()",
  "endless recursion through pcall": "local function f() pcall(f) return f() end return f()",
  "a table that grows for ever": "local t = {} while true do t[#t + 1] = {} end",
  "a table.move of a hundred million": "table.move({}, 1, 1e8, 2)",
  "a table.concat of a hundred million answers":
    "table.concat(setmetatable({}, { __index = function() return 'x' end, __len = function() return 1e8 end }))",
  "a flood of host calls": "for i = 1, 100000 do require('time').sleep(0) end",
  "a result of 200000 elements": "local t = {} for i = 1, 200000 do t[i] = i end return 0, t",
  "a result 100 tables deep": "local t = {} for i = 1, 100 do t = { t } end return 0, t",
  "an error whose text cannot be made": "error(setmetatable({}, { __tostring = function() error('x') end }))",
};

/** Library functions that took the thread with them, or kept it for seconds, until they were charged. */
const LIBRARY: Readonly<Record<string, string>> = {
  "a search for half a megabyte":
    "local a = ('a'):rep(1000000) while true do a:find(('a'):rep(500000) .. 'b', 1, true) end",
  "a set of a megabyte": "(('a'):rep(1000000)):find('[' .. ('b'):rep(1000000) .. ']')",
  "brackets that never close": "while true do ('('):rep(1000000):find('%b()') end",
  "a gmatch bomb": "for _ in ('a'):rep(2000):gmatch('.-.-.-b') do end",
  "a number of a megabyte":
    "local s = ('1'):rep(1000000) while true do local _ = tonumber(s) or pcall(function() return s + 1 end) end",
  "letters of a megabyte": "local s = ('a'):rep(1000000) while true do s:upper() end",
  "characters of a megabyte": "local s = ('a'):rep(1000000) while true do utf8.len(s) end",
  "a quoted megabyte": "local s = ('x'):rep(1000000) while true do ('%q'):format(s) end",
  "a packed megabyte": "while true do string.pack(('x'):rep(1000000)) end",
  "a source of a quarter of a megabyte": "while true do load(('a=1 '):rep(60000)) end",
  "insertions at the front": "local t = {} for i = 1, 100000 do table.insert(t, 1, i) end",
  "a length that is not true": "table.remove(setmetatable({}, { __len = function() return 1e9 end }), 1)",
  "a sort of a million answers":
    "table.sort(setmetatable({}, { __index = function(_, i) return -i end, __newindex = rawset, __len = function() return 1e6 end }))",
  "an order that contradicts itself":
    "local t = {} for i = 1, 5000 do t[i] = i end while true do table.sort(t, function() return true end) end",
  "nine thousand bytes at a time": "local s = ('x'):rep(9000) while true do s:byte(1, -1) end",
  "one megabyte in many places of a value":
    "local t, s = {}, ('x'):rep(1000000) for i = 1, 15000 do t[i] = s end require('json').encode(t)",
};

const SCRIPT = `
local bombs = {
${Object.entries({ ...RUNAWAYS, ...LIBRARY })
  .map(([name, body]) => `["${name}"] = function() ${body} end,`)
  .join("\n")}
}
function nauthilus_backend_verify_password(request)
  local bomb = bombs[request.username]
  if bomb then return bomb() end
  require("time").sleep(0.05)
  local b = nauthilus_backend_result.new()
  b:user_found(true)
  b:authenticated(true)
  b:account_field("account")
  b:attributes({ account = request.username })
  return nauthilus_builtin.BACKEND_RESULT_OK, b
end`;

let backend: TestBackend;
before(async () => {
  backend = await startBackend(SCRIPT, { instructions: 2_000_000 });
});
after(() => backend.stop());

const signIn = (name: string) => backend.accounts.verifyPassword(name, new Secret("secret"), CONTEXT);

for (const name of Object.keys({ ...RUNAWAYS, ...LIBRARY })) {
  test(`${name}: the call ends, signs nobody in and hurts none of 50 sign-ins beside it; the thread stays`, async () => {
    const others = Array.from({ length: 50 }, (_, index) => signIn(`honest${index}`));
    const bad = await signIn(name);
    assert.equal(bad.code, "unavailable");
    for (const outcome of await Promise.all(others)) assert.equal(outcome.code, "accepted");
    assert.equal((await signIn("next")).code, "accepted");
    assert.deepEqual(
      backend.log.filter((line) => line.includes("A Lua thread")),
      [],
    );
  });
}

test("a table of numbers is ended before it takes the heap of the thread", async () => {
  const own = await startBackend(
    `function nauthilus_backend_list_accounts(request)
      local t, n = {}, 0
      while request.username == "greedy" do n = n + 1 t[n] = n end
      return 0, {}
    end`,
    { instructions: 1_000_000_000, cpu_time: 30_000, call: 30_000 },
  );
  try {
    const call = (username: string) => own.call("default", "nauthilus_backend_list_accounts", { username });
    const outcome = await call("greedy");
    assert.equal(outcome.ok ? "ok" : outcome.reason, "the script used up the memory of its thread");
    assert.equal((await call("modest")).ok, true);
    assert.ok(!own.log.some((line) => line.includes("A Lua thread")));
  } finally {
    await own.stop();
  }
});

test("a call that was given up does not go on in the thread", async () => {
  const own = await startBackend(
    `function nauthilus_backend_list_accounts(request)
      local n = 0
      while true do n = n + 1 if n % 1000 == 0 then print("still there") end end
    end`,
    { instructions: 1_000_000_000, call: 150 },
  );
  const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
  try {
    const outcome = await own.call("default", "nauthilus_backend_list_accounts", {});
    assert.match(outcome.ok ? "ok" : `${outcome.by}: ${outcome.reason}`, /^deadline: no answer within 150 ms/);
    await pause(100);
    const lines = own.log.length;
    assert.ok(lines > 1);
    await pause(200);
    assert.equal(own.log.length, lines);
  } finally {
    await own.stop();
  }
});

/** Where a library function calls back, and the host is waited for there: 50 ms in all. */
const CALLBACKS: Readonly<Record<string, string>> = {
  gsub: "('ab'):gsub('.', function(c) sleep(0.025) return c end)",
  "gsub with a table": "('ab'):gsub('.', setmetatable({}, { __index = function(_, key) sleep(0.025) return key end }))",
  sort: "table.sort({ 2, 1 }, function(a, b) sleep(0.05) return a < b end)",
  "sort by __lt":
    "(function() local m = { __lt = function(a, b) sleep(0.05) return a.v < b.v end } table.sort({ setmetatable({ v = 2 }, m), setmetatable({ v = 1 }, m) }) end)()",
  concat:
    "table.concat(setmetatable({}, { __index = function() sleep(0.025) return 'x' end, __len = function() return 2 end }))",
  unpack: "unpack(setmetatable({}, { __index = function(_, i) sleep(0.025) return i end }), 1, 2)",
  tostring: "tostring(setmetatable({}, { __tostring = function() sleep(0.05) return 'x' end }))",
  "gmatch in a coroutine, sort in a gsub":
    "coroutine.wrap(function() for c in ('a'):gmatch('.') do c:gsub('.', function() table.sort({ 2, 1 }, function(a, b) sleep(0.05) return a < b end) end) end end)()",
};
for (const [name, body] of Object.entries(CALLBACKS)) {
  test(`100 calls that wait for the host in a callback of ${name} do not wait for each other`, async () => {
    const own = await startBackend(`local sleep = require("time").sleep
      function nauthilus_backend_list_accounts(request) local a = ${body} return 0, { request.username } end`);
    try {
      const started = performance.now();
      const outcomes = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          own.call("default", "nauthilus_backend_list_accounts", { username: `user${index}` }),
        ),
      );
      outcomes.forEach((outcome, index) =>
        assert.deepEqual(outcome.ok ? outcome.result.value : outcome.reason, [`user${index}`]),
      );
      // One after the other they would take five seconds.
      assert.ok(performance.now() - started < 2_500);
    } finally {
      await own.stop();
    }
  });
}

test("200 sign-ins at once against a backend that waits a second take under four", async () => {
  const slow = await startBackend(SCRIPT.replace("sleep(0.05)", "sleep(1)"));
  try {
    const started = performance.now();
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, (_, index) => slow.accounts.verifyPassword(`user${index}`, new Secret("x"), CONTEXT)),
    );
    assert.equal(outcomes.filter(({ code }) => code === "accepted").length, 200);
    outcomes.forEach((outcome, index) =>
      assert.equal(outcome.code === "accepted" && outcome.account.name, `user${index}`),
    );
    assert.ok(performance.now() - started < 4_000);
  } finally {
    await slow.stop();
  }
});

test("a call over its deadline is a temporary failure", async () => {
  const slow = await startBackend(SCRIPT.replace("sleep(0.05)", "sleep(30)"), { call: 200 });
  try {
    const outcome = await slow.accounts.verifyPassword("x", new Secret("x"), CONTEXT);
    assert.equal(outcome.code, "unavailable");
  } finally {
    await slow.stop();
  }
});
