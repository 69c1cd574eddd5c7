import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import mysql from "mysql2/promise";
import { realWorld } from "../../src/app/index.ts";
import { createHostServices } from "../../src/lua/index.ts";
import type { LuaValue } from "../../src/lua/values.ts";
import { accountsSuite } from "../contract/accounts.suite.ts";
import { type DatabaseServer, PASSWORD, startMariadb, USER } from "../support/database-servers.ts";
import { startBackend } from "../support/lua.ts";
import { scriptSuite } from "./script.suite.ts";
import { type ServerKind, serverSuite } from "./server.suite.ts";

const SCRIPT = fileURLToPath(new URL("../../lua/mysql.lua", import.meta.url));
const MYSQL: ServerKind = {
  driver: "mysql",
  dsn: (port, options = "") => `${USER}:${PASSWORD}@tcp(127.0.0.1:${port})/accounts${options}`,
  local: ({ folder }) => [
    `${USER}:${PASSWORD}@unix(${folder}/mariadb.sock)/accounts`,
    `mysql:unix(${folder}/mariadb.sock)/accounts`,
  ],
  password: PASSWORD,
  impatient: "?timeout=500ms",
  verified: "?tls=true",
  unverified: "?tls=skip-verify",
  encrypted: "SELECT variable_value <> '' FROM information_schema.session_status WHERE variable_name = 'Ssl_cipher'",
  isTrue: 1,
  binary: "VARBINARY(100)",
  place: () => "?",
  // The server would notice by itself that nobody waits for a SLEEP any more.
  slow: "SELECT BENCHMARK(1000000000, SHA2('x', 512))",
  atWork: "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT BENCHMARK%'",
  session: "SELECT CONNECTION_ID()",
  lateSession: "SELECT CONNECTION_ID(), SLEEP(0.05)",
  setting: ["SET SESSION lock_wait_timeout = 77", "SELECT @@lock_wait_timeout"],
  many: "SELECT seq FROM seq_1_to_10001",
  large: "SELECT REPEAT('x', 1000000) FROM seq_1_to_9",
  syntax: /^Error 1064 \(42000\): /,
  refused: /Access denied for user/,
};

let server: DatabaseServer;
before(async () => {
  server = await startMariadb(readFileSync(new URL("../../lua/schema/mysql.sql", import.meta.url), "utf8"));
});
after(() => server.stop());

const grant = () => `mysql:127.0.0.1:${server.port}/accounts`;

/** Another way into the database than the one under test. */
async function sql(text: string, ...values: readonly (string | number | null)[]): Promise<unknown[][]> {
  const session = await mysql.createConnection({
    host: "127.0.0.1",
    port: server.port,
    user: USER,
    password: PASSWORD,
    database: "accounts",
    rowsAsArray: true,
    typeCast: (field, next) => (field.type === "BLOB" || field.type === "VAR_STRING" ? field.string("utf8") : next()),
  });
  try {
    const [rows] = await session.query({ sql: text, values: [...values] });
    return Array.isArray(rows) ? (rows as unknown[][]) : [];
  } finally {
    await session.end();
  }
}

describe("the db module", () => serverSuite(MYSQL, () => server));

describe("values of MySQL", () => {
  const services = createHostServices({ world: realWorld() });
  after(() => services.close());
  const ask = (op: string, options: string, text: string, values: readonly LuaValue[] | null = null) => {
    const args = [`mysql:${MYSQL.dsn(server.port, options)}`, text, values, values?.length ?? 0];
    return services.call({ databases: [grant()], files: [] }, op, args, new AbortController().signal) as Promise<
      Record<string, LuaValue>
    >;
  };
  before(async () => {
    await sql(`CREATE TABLE kinds (i INT, u BIGINT UNSIGNED, d DECIMAL(6,2), f DOUBLE, t TINYINT(1), at DATETIME(3), day DATE,
      took TIME, y YEAR, j JSON, e ENUM('a', 'b'), bits BIT(9), b BLOB, n INT)`);
    await sql(`INSERT INTO kinds VALUES (-5, 18446744073709551615, 12.50, 0.25, 1, '2024-02-29 12:30:15.250', '2024-02-29', '25:01:02',
      2024, '{"a": 1}', 'b', b'100000001', x'00ff', NULL)`);
  });

  test("a text has every column as text", async () => {
    const texts = [
      "-5",
      "18446744073709551615",
      "12.50",
      "0.25",
      "1",
      "2024-02-29 12:30:15.250",
      "2024-02-29",
      "25:01:02",
    ];
    assert.deepEqual((await ask("db.query", "", "SELECT * FROM kinds"))["rows"], [
      [...texts, "2024", '{"a": 1}', "b", "\u0001\u0001", "\u0000\u00ff", null],
    ]);
  });

  test("a prepared statement has numbers for numbers that Lua can hold exactly", async () => {
    const values = [-5, "18446744073709551615", "12.50", 0.25, 1, "2024-02-29 12:30:15.250", "2024-02-29", "25:01:02"];
    assert.deepEqual((await ask("db.query", "", "SELECT * FROM kinds", []))["rows"], [
      [...values, 2024, '{"a": 1}', "b", "\u0001\u0001", "\u0000\u00ff", null],
    ]);
  });

  test("with parseTime days and times are seconds since the epoch, in the zone of loc", async () => {
    const at = Date.UTC(2024, 1, 29, 12, 30, 15, 250) / 1000;
    const day = Date.UTC(2024, 1, 29) / 1000;
    for (const values of [null, []])
      for (const [options, earlier] of [
        ["?parseTime=true", 0],
        ["?parseTime=true&loc=Europe%2FBerlin", 3_600],
      ] as const)
        assert.deepEqual((await ask("db.query", options, "SELECT at, day FROM kinds", values))["rows"], [
          [at - earlier, day - earlier],
        ]);
  });

  test("bytes and text are in the database what they were in Lua", async () => {
    const text = Buffer.from("Grüße 🔑").toString("latin1");
    await ask("db.exec", "", "INSERT INTO kinds (j, b) VALUES (?, ?)", [`"${text}"`, "\u0000\u00fe'"]);
    const [row] = await sql("SELECT HEX(j), HEX(b) FROM kinds WHERE i IS NULL");
    assert.deepEqual(row, [Buffer.from('"Grüße 🔑"').toString("hex").toUpperCase(), "00FE27"]);
    await sql("DELETE FROM kinds WHERE i IS NULL");
  });

  test("rows_affected counts changed rows, and found ones with clientFoundRows; last_insert_id is the first new number", async () => {
    await sql("CREATE TABLE counted (id INT AUTO_INCREMENT PRIMARY KEY, a INT)");
    const insert = await ask("db.exec", "", "INSERT INTO counted (a) VALUES (?), (?)", [1, 2]);
    assert.deepEqual(insert, { rows_affected: 2, last_insert_id: 1 });
    const same = "UPDATE counted SET a = 1 WHERE id = 1";
    assert.equal((await ask("db.exec", "", same))["rows_affected"], 0);
    assert.equal((await ask("db.exec", "?clientFoundRows=true", same))["rows_affected"], 1);
  });

  test("an unknown option of the DSN is a variable of the session", async () => {
    const options = "?wait_timeout=77&time_zone=%27%2B03%3A00%27";
    assert.deepEqual((await ask("db.query", options, "SELECT @@wait_timeout, @@time_zone"))["rows"], [
      ["77", "+03:00"],
    ]);
    await assert.rejects(ask("db.query", "?nonsense=1", "SELECT 1"), { message: /Unknown system variable 'nonsense'/ });
  });
});

describe("scripts", () => scriptSuite(MYSQL, () => server, sql));

describe("lua/mysql.lua", () =>
  accountsSuite(SCRIPT, {
    start: (source) =>
      startBackend(
        source ?? "",
        { allow: { databases: [grant()] }, environment: { MOONLATCH_MYSQL: MYSQL.dsn(server.port) } },
        source === undefined ? SCRIPT : undefined,
      ),
    sql,
    order: "id",
    canStore: () => true,
  }));
