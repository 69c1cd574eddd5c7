import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Secret } from "../../../src/kernel/index.ts";
import { CONTEXT, startBackend, type TestBackend } from "../../support/lua.ts";

const RUNAWAYS: Readonly<Record<string, string>> = {
  "an endless loop": "while true do end",
  "a loop around pcall": "while true do pcall(function() while true do end end) end",
  "a loop of caught errors": "while true do pcall(error, 'x') end",
  "a loop of xpcall with a looping handler":
    "while true do xpcall(function() error('x') end, function() while true do end end) end",
  "a loop in coroutines": "while true do coroutine.wrap(function() while true do end end)() end",
  "a loop of load": "while true do load('while true do end')() end",
  "a loop in a metamethod": "local t = setmetatable({}, { __index = function() while true do end end }) return t.x",
  "a loop in a sort comparator": "table.sort({ 3, 2, 1 }, function() while true do end end)",
  "a loop in a gsub callback": "string.gsub('abc', '.', function() while true do end end)",
  "a pattern bomb": "string.find(('a'):rep(400), '.-.-.-.-b')",
  "a string of a gigabyte": "return ('x'):rep(1e9)",
  "a doubling string": "local s = 'x' while true do s = s .. s end",
  "a growing gsub": "local s = ('x'):rep(1000000) return s:gsub('x', s)",
  "endless recursion": "local function f() return f() + 1 end return f()",
  "a table that grows for ever": "local t = {} while true do t[#t + 1] = {} end",
};

const SCRIPT = `
local bombs = {
${Object.entries(RUNAWAYS)
  .map(([name, body]) => `["${name}"] = function() ${body} end,`)
  .join("\n")}
}
function nauthilus_backend_verify_password(request)
  local bomb = bombs[request.username]
  if bomb then bomb() end
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
  backend = await startBackend(SCRIPT);
});
after(() => backend.stop());

const signIn = (name: string) => backend.accounts.verifyPassword(name, new Secret("secret"), CONTEXT);

for (const name of Object.keys(RUNAWAYS)) {
  test(`${name} ends, signs nobody in and hurts none of 20 other sign-ins`, async () => {
    const others = Array.from({ length: 20 }, (_, index) => signIn(`honest${index}`));
    const bad = await signIn(name);
    assert.equal(bad.code, "unavailable");
    for (const outcome of await Promise.all(others)) assert.equal(outcome.code, "accepted");
    assert.equal((await signIn("next")).code, "accepted");
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

test("calls that come while a lost thread is replaced wait for the new one, and one that cannot start is tried again", async () => {
  const own = await startBackend(SCRIPT);
  try {
    const bad = own.accounts.verifyPassword("a pattern bomb", new Secret("x"), CONTEXT);
    assert.equal((await bad).code, "unavailable");
    // The old thread is gone at this moment and the new one not there yet.
    const during = await Promise.all(
      Array.from({ length: 20 }, (_, index) => own.accounts.verifyPassword(`during${index}`, new Secret("x"), CONTEXT)),
    );
    assert.ok(during.every(({ code }) => code === "accepted"));

    const script = join(own.folder, "backend.lua");
    renameSync(script, `${script}.away`);
    const again = own.accounts.verifyPassword("a pattern bomb", new Secret("x"), CONTEXT);
    assert.equal((await again).code, "unavailable");
    const waiting = own.accounts.verifyPassword("patient", new Secret("x"), CONTEXT);
    while (!own.log.some((line) => line.includes("could not be started again")))
      await new Promise((resolve) => setImmediate(resolve));
    renameSync(`${script}.away`, script);
    assert.equal((await waiting).code, "accepted");
  } finally {
    await own.stop();
  }
});
