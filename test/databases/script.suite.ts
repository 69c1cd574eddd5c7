import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Secret } from "../../src/kernel/index.ts";
import { hashPassword } from "../../src/lua/index.ts";
import { type DatabaseServer, PASSWORD } from "../support/database-servers.ts";
import { CONTEXT, startBackend, type TestBackend } from "../support/lua.ts";
import type { ServerKind } from "./server.suite.ts";

/** A script in the habit of the contract's home: everything at the top, which runs for each call, and no check it could leave out. */
const source = ({ driver, place, slow }: ServerKind): string => `
local nauthilus_util = require("nauthilus_util")
local nauthilus_password = require("nauthilus_password")
local db = require("db")
local config = { shared = true, max_connections = 4, read_only = false }
local conn, err_open = db.open("${driver}", nauthilus_util.getenv("WORKSHOP_DSN", ""), config)
nauthilus_util.if_error_raise(err_open)

function nauthilus_backend_verify_password(request)
  local b = nauthilus_backend_result.new()
  local stmt, err_stmt = conn:stmt("SELECT account, password, uniqueid, display_name, totp FROM people WHERE username = ${place(1)}")
  nauthilus_util.if_error_raise(err_stmt)
  local result, err_query = stmt:query(request.username)
  nauthilus_util.if_error_raise(err_query)
  stmt:close()

  local attributes = {}
  for _, row in pairs(result.rows) do
    for id, name in pairs(result.columns) do
      if id == 1 then b:account_field("account") end
      if id == 3 then b:unique_user_id_field("uniqueid") end
      if id == 4 then b:display_name_field("display_name") end
      if name == "password" then
        if not request.no_auth then
          local match, err_match = nauthilus_password.compare_passwords(row[id], request.password)
          nauthilus_util.if_error_raise(err_match)
          b:authenticated(match)
        end
      else
        attributes[name] = row[id]
      end
    end
    b:user_found(true)
  end
  b:attributes(attributes)
  return nauthilus_builtin.BACKEND_RESULT_OK, b
end

function nauthilus_backend_list_accounts()
  local result, err = conn:query("SELECT account FROM people ORDER BY account")
  nauthilus_util.if_error_raise(err)
  local names = {}
  for _, row in pairs(result.rows) do table.insert(names, row[1]) end
  conn:close()
  return nauthilus_builtin.BACKEND_RESULT_OK, names
end

function nauthilus_backend_add_totp(request)
  local result, err = conn:exec("UPDATE people SET totp = '" .. request.totp_secret .. "' WHERE account = '" .. request.username .. "'")
  nauthilus_util.if_error_raise(err)
  if result.rows_affected == 0 then return nauthilus_builtin.BACKEND_RESULT_NOT_FOUND end
  return nauthilus_builtin.BACKEND_RESULT_OK
end

function nauthilus_backend_delete_totp(request)
  conn:query("${slow}")
  return nauthilus_builtin.BACKEND_RESULT_OK
end
`;

/** Scripts of others, many calls at once, and deadlines. */
export function scriptSuite(
  kind: ServerKind,
  serverOf: () => DatabaseServer,
  sql: (text: string, ...values: readonly (string | number | null)[]) => Promise<readonly (readonly unknown[])[]>,
): void {
  let backend: TestBackend;
  const startScript = (call: number) =>
    startBackend(source(kind), {
      call,
      allow: { databases: [`${kind.driver}:127.0.0.1:${serverOf().port}/accounts`] },
      environment: { WORKSHOP_DSN: kind.dsn(serverOf().port) },
    });
  const key = (name: string) => ({ name, backend: "default", unique_user_id: "42" });
  const found = async (name: string) => {
    const outcome = await backend.accounts.lookup(name, CONTEXT);
    return outcome.code === "found" ? outcome.account : outcome.code;
  };
  before(async () => {
    const columns =
      "username VARCHAR(50), account VARCHAR(50), password TEXT, uniqueid INT, display_name VARCHAR(50), totp VARCHAR(50)";
    await sql(`CREATE TABLE people (${columns})`);
    const row = ["demo", "demo@example.org", await hashPassword("right"), 42, null, null];
    await sql("INSERT INTO people VALUES (?, ?, ?, ?, ?, ?)", ...row);
    backend = await startScript(5_000);
  });
  after(() => backend.stop());

  test("a script that opens its database at the top of each call signs people in, with NULL as no attribute", async () => {
    const outcome = await backend.accounts.verifyPassword("demo", new Secret("right"), CONTEXT);
    assert.equal(outcome.code, "accepted");
    const account = await found("demo");
    assert.deepEqual(typeof account === "object" ? account.attributes : account, {
      account: ["demo@example.org"],
      uniqueid: ["42"],
    });
    assert.equal((await backend.accounts.verifyPassword("demo", new Secret("wrong"), CONTEXT)).code, "rejected");
    assert.equal((await backend.accounts.verifyPassword("nobody", new Secret("right"), CONTEXT)).code, "rejected");
    assert.deepEqual(await backend.accounts.listAccounts(CONTEXT), { code: "ok", values: ["demo@example.org"] });
  });

  test("a statement whose text is put together by the script runs, and counts its rows", async () => {
    const secret = new Secret("JBSWY3DPEHPK3PXP");
    assert.deepEqual(await backend.accounts.addTotp(key("demo@example.org"), secret, CONTEXT), { code: "ok" });
    assert.deepEqual(await sql("SELECT totp FROM people"), [["JBSWY3DPEHPK3PXP"]]);
    assert.deepEqual(await backend.accounts.addTotp(key("nobody"), secret, CONTEXT), { code: "not_found" });
  });

  test("32 calls at once over 4 connections are all answered", async () => {
    const outcomes = await Promise.all(Array.from({ length: 32 }, () => found("demo")));
    assert.ok(outcomes.every((account) => typeof account === "object" && account.name === "demo@example.org"));
  });

  test("a call that waits for a slow statement ends at its deadline, and so does the statement", async () => {
    const hasty = await startScript(1_000);
    try {
      const outcome = await hasty.accounts.deleteTotp(key("demo@example.org"), CONTEXT);
      assert.equal(outcome.code, "unavailable");
      while (Number((await sql(kind.atWork))[0]?.[0]) !== 0) await new Promise((resolve) => setImmediate(resolve));
      assert.deepEqual(await hasty.accounts.listAccounts(CONTEXT), { code: "ok", values: ["demo@example.org"] });
    } finally {
      await hasty.stop();
    }
  });

  test("calls in flight while the server dies are unavailable, never a rejection, and later ones work", async () => {
    const calls = Array.from({ length: 16 }, () =>
      backend.accounts.verifyPassword("demo", new Secret("right"), CONTEXT),
    );
    await serverOf().kill();
    for (const { code } of await Promise.all(calls)) assert.ok(["accepted", "unavailable"].includes(code), code);
    assert.equal((await backend.accounts.verifyPassword("demo", new Secret("right"), CONTEXT)).code, "unavailable");
    await serverOf().start();
    assert.equal((await backend.accounts.verifyPassword("demo", new Secret("right"), CONTEXT)).code, "accepted");
    const secrets = [PASSWORD, kind.password];
    assert.ok(backend.log.some((line) => line.includes("cannot be reached")));
    assert.ok(backend.log.every((line) => secrets.every((secret) => !line.includes(secret))));
  });
}
