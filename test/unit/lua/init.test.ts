import assert from "node:assert/strict";
import { test } from "node:test";
import { LuaScriptError } from "../../../src/lua/index.ts";
import { startBackend, type TestBackendOptions } from "../../support/lua.ts";

const SCRIPT = `function nauthilus_backend_list_accounts(request) return 0, { tostring(seen), tostring(count), tostring(later) } end`;

async function valueOf(options: TestBackendOptions, script = SCRIPT): Promise<unknown> {
  const backend = await startBackend(script, options);
  try {
    await backend.call("default", "nauthilus_backend_list_accounts", {});
    const outcome = await backend.call("default", "nauthilus_backend_list_accounts", {});
    return outcome.ok ? outcome.result.value : outcome.reason;
  } finally {
    await backend.stop();
  }
}

test("init scripts run before the script, in their order; what they set is there in every call, and calls do not change it", async () => {
  const init = [`seen = "first" count = 1`, `seen = seen .. ", second" count = count + 1`];
  const script = SCRIPT.replace("return", "count = count + 1 later = (later or 0) + 1 return");
  assert.deepEqual(await valueOf({ init }, script), ["first, second", "3", "1"]);
});

test("nauthilus_run_hook runs once for each init script that defines it, with a request whose fields are never nil", async () => {
  const init = [
    `count = 0 function nauthilus_run_hook(request) count = count + 1 seen = request.username == "" and type(request.client_ip) end`,
    `later = nauthilus_run_hook ~= nil`,
  ];
  assert.deepEqual(await valueOf({ init }), ["string", "1", "false"]);
});

test("an init script cannot change what the library or the contract names mean in calls", async () => {
  const init = [`string.rep = nil tostring = nil nauthilus_builtin = nil print = nil seen = "here"`];
  assert.deepEqual(await valueOf({ init }), ["here", "nil", "nil"]);
});

test("an init script may use databases and waits, and so may a script's top level", async () => {
  const create = `local db = require("db").open("sqlite3", "accounts.db")
    local _, err = db:exec("CREATE TABLE IF NOT EXISTS t (a); INSERT INTO t VALUES (1)") if err then error(err) end`;
  const script = `local rows = require("db").open("sqlite3", "accounts.db"):query("SELECT count(*) AS n FROM t").rows
    require("time").sleep(0.01) seen = rows[1][1] ${SCRIPT}`;
  assert.deepEqual(await valueOf({ init: [create] }, script), ["1", "nil", "nil"]);
});

for (const [what, text, message] of [
  ["does not compile", "local a = 1\nlocal b = = 2", /init0\.lua:2: unexpected symbol/],
  ["raises", "local a = 1\n\nerror('no table')", /init0\.lua:3: no table/],
  ["raises in its hook", "function nauthilus_run_hook()\n  error('no hook') end", /init0\.lua:2: no hook/],
  ["runs for ever", "while true do end", /instructions/],
] as const) {
  test(`an init script that ${what} is refused at the start, with its place`, async () => {
    await assert.rejects(
      valueOf({ init: [text] }),
      (error) => error instanceof LuaScriptError && message.test(error.message),
    );
  });
}
