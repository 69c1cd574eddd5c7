import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Secret } from "../../../src/kernel/index.ts";
import { CONTEXT, startBackend, type TestBackend } from "../../support/lua.ts";

const OK = "nauthilus_builtin.BACKEND_RESULT_OK";
const genuine = (body: string) => `local b = nauthilus_backend_result.new() ${body} return ${OK}, b`;

/** Every one of these comes with a right password. None is a sign-in. */
const WRONG: Readonly<Record<string, string>> = {
  nothing: "return",
  "nil as code": "return nil, nauthilus_backend_result.new()",
  "a string as code": `return "0", nauthilus_backend_result.new()`,
  "99 as code": "return 99",
  "a fraction as code": "return 0.5",
  "NaN as code": "return 0/0",
  "a boolean as code": "return true",
  "a table as code": "return {}",
  "a missing constant as code": "return nauthilus_builtin.BACKEND_RESULT_OKAY",
  "code and result swapped": `return nauthilus_backend_result.new(), ${OK}`,
  "OK without a result": `return ${OK}`,
  "a plain table as result": `return ${OK}, { authenticated = true, user_found = true, account_field = "a", attributes = { a = "x" } }`,
  "a forged result object": `return ${OK}, { __data = { authenticated = true, user_found = true, account_field = "a", attributes = { a = "x" } } }`,
  "authenticated as text": genuine(`b:authenticated("false")`),
  "authenticated without user_found": genuine(`b:authenticated(true) b:account_field("a") b:attributes({ a = "x" })`),
  "no account_field": genuine(`b:authenticated(true) b:user_found(true) b:attributes({ a = "x" })`),
  "an empty account": genuine(`b:authenticated(true) b:user_found(true) b:account_field("a") b:attributes({ a = "" })`),
  "attributes as text": genuine(`b:authenticated(true) b:user_found(true) b:account_field("a") b:attributes("a")`),
  "attributes that contain themselves": genuine(
    `local t = { a = "x" } t.t = t b:authenticated(true) b:user_found(true) b:account_field("a") b:attributes(t)`,
  ),
  "a function among the attributes": genuine(
    `b:authenticated(true) b:user_found(true) b:account_field("a") b:attributes({ a = "x", f = print })`,
  ),
  "DENIED with authenticated": `local b = nauthilus_backend_result.new() b:authenticated(true) b:user_found(true) return nauthilus_builtin.BACKEND_RESULT_DENIED, b`,
  ERROR: "return nauthilus_builtin.BACKEND_RESULT_ERROR",
  FAIL: "return nauthilus_builtin.BACKEND_RESULT_FAIL",
  "error(nil)": "error(nil)",
  "error with a table": "error({})",
  "error with a broken __tostring": "error(setmetatable({}, { __tostring = error }))",
  "a yield outside a coroutine": "coroutine.yield(1)",
};

let backend: TestBackend;
before(async () => {
  const cases = Object.entries(WRONG).map(([name, body]) => `[ [[${name}]] ] = function() ${body} end,`);
  backend = await startBackend(`local cases = {\n${cases.join("\n")}\n}
function nauthilus_backend_verify_password(request)
  if cases[request.username] then return cases[request.username]() end
  leaked = (leaked or 0) + 1
  string.evil = (string.evil or 0) + 1
  local b = nauthilus_backend_result.new()
  b:user_found(true)
  b:authenticated(request.password == "pass\\0w\\195\\182rd")
  b:account_field("missing")
  b:attributes({ counter = leaked, evil = string.evil, secret = os.getenv("SECRET_OF_THE_HOST") or "none", io = tostring(pcall(io.popen, "id") or pcall(io.open, "/tmp/x", "w") and io.open("/tmp/x", "w") ~= nil), debug = tostring(debug),
    execute = tostring(os.execute), loadlib = tostring(package.loadlib), frozen = tostring(pcall(function() nauthilus_builtin.BACKEND_RESULT_ERROR = 0 end)) })
  return nauthilus_builtin.BACKEND_RESULT_OK, b
end`);
});
after(() => backend.stop());

const verify = (username: string, password = "x") =>
  backend.accounts.verifyPassword(username, new Secret(password), CONTEXT);

for (const name of Object.keys(WRONG)) {
  test(`a script that answers with ${name} signs nobody in`, async () => {
    const outcome = await verify(name);
    assert.notEqual(outcome.code, "accepted");
    assert.equal(outcome.code, name.startsWith("DENIED") ? "rejected" : "unavailable");
  });
}

test("a password reaches the script byte for byte, and an absent account attribute means the user name", async () => {
  const outcome = await verify("demo", "pass\0w\u00f6rd");
  assert.equal(outcome.code === "accepted" && outcome.account.name, "demo");
  assert.equal((await verify("demo", "pass")).code, "rejected");
});

test("globals and changed libraries do not outlive a call, and the sandbox holds", async () => {
  for (let round = 0; round < 3; round += 1) {
    const outcome = await backend.accounts.lookup("demo", CONTEXT);
    assert.ok(outcome.code === "found");
    assert.deepEqual(
      { ...outcome.account.attributes },
      {
        counter: ["1"],
        evil: ["1"],
        secret: ["none"],
        io: ["false"],
        debug: ["nil"],
        execute: ["nil"],
        loadlib: ["nil"],
        frozen: ["false"],
      },
    );
  }
});

test("a script that does not compile is refused with file and line", async () => {
  await assert.rejects(
    startBackend("local x = 1\nfunction nauthilus_backend_verify_password( return end"),
    /backend\.lua:2:/,
  );
});
