import assert from "node:assert/strict";
import { test } from "node:test";
import { realWorld } from "../../../src/app/index.ts";
import type { Connection } from "../../../src/lua/services/databases/connection.ts";
import { parseMysqlDsn } from "../../../src/lua/services/databases/mysql-dsn.ts";
import { createServerDriver } from "../../../src/lua/services/databases/server-driver.ts";

const ANSWER = { columns: [], rows: [], rows_affected: 0, last_insert_id: 0 };

/** A driver whose servers answer nothing, with the users that are connected. */
function setUp() {
  const connected: string[] = [];
  const held: (() => void)[] = [];
  const state = { isHolding: false };
  const driver = createServerDriver({
    clock: realWorld().clock,
    dialect: {
      parse: parseMysqlDsn,
      connect: ({ user }): Promise<Connection> => {
        connected.push(user);
        return Promise.resolve({
          isReusable: () => true,
          run: async () => {
            if (state.isHolding) await new Promise<void>((resolve) => void held.push(resolve));
            return ANSWER;
          },
          cancel: () => Promise.resolve(),
          close: () => void connected.splice(connected.indexOf(user), 1),
        });
      },
    },
  });
  const query = (user: string, sql = "SELECT 1") =>
    driver.call(
      { databases: ["mysql:127.0.0.1:3306/a"], files: [] },
      "query",
      [`${user}@/a`, sql, [], 0],
      new AbortController().signal,
    );
  return { driver, connected, state, query, release: () => held.splice(0).forEach((resolve) => resolve()) };
}

test("a login has connections of its own, and the one unused for longest makes room for the 33rd", async () => {
  const { driver, connected, query } = setUp();
  for (let user = 0; user < 32; user += 1) await query(`u${user}`);
  await query("u0");
  assert.equal(connected.length, 32);
  await query("u32");
  assert.equal(connected.length, 32);
  assert.ok(connected.includes("u0") && !connected.includes("u1"));
  driver.close();
  assert.deepEqual(connected, []);
});

test("when all 32 are in use the 33rd is refused", async () => {
  const { driver, state, query, release } = setUp();
  state.isHolding = true;
  const all = Array.from({ length: 32 }, (_, user) => query(`u${user}`));
  await assert.rejects(query("u32"), { message: "over 32 databases are in use at once" });
  await new Promise((resolve) => setImmediate(resolve));
  release();
  await Promise.all(all);
  driver.close();
});

for (const [sql, isKept] of [
  ["SELECT 1", true],
  ["  -- why\n /* how */ (select 1)", true],
  ["INSERT INTO t VALUES ('a@b')", true],
  ["WITH x AS (SELECT 1) SELECT * FROM x", true],
  ["SET autocommit = 0", false],
  ["/*!50000 DO 1 */ SELECT 1", false],
  ["/*M!100000 DO 1 */ SELECT 1", false],
  ["LOCK TABLES t WRITE", false],
  ["USE other", false],
  ["CALL something()", false],
  ["CREATE TEMPORARY TABLE t (a INT)", false],
  ["SELECT GET_LOCK('a', 1)", false],
  ["SELECT pg_try_advisory_lock(1)", false],
  ["SELECT set_config('role', 'other', false)", false],
] as const) {
  test(`after "${sql}" the session is ${isKept ? "kept" : "closed"}`, async () => {
    const { driver, connected, query } = setUp();
    await query("u", sql);
    assert.equal(connected.length, isKept ? 1 : 0);
    driver.close();
  });
}
