import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Client, Query } from "pg";
import { realWorld } from "../../src/app/index.ts";
import { createHostServices } from "../../src/lua/index.ts";
import type { LuaValue } from "../../src/lua/values.ts";
import { accountsSuite } from "../contract/accounts.suite.ts";
import { type DatabaseServer, PASSWORD, startPostgres, USER } from "../support/database-servers.ts";
import { startBackend } from "../support/lua.ts";
import { scriptSuite } from "./script.suite.ts";
import { type ServerKind, serverSuite } from "./server.suite.ts";

const SCRIPT = fileURLToPath(new URL("../../lua/postgres.lua", import.meta.url));
const POSTGRES: ServerKind = {
  driver: "postgres",
  dsn: (port, options = "?sslmode=disable") =>
    `postgres://${USER}:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/accounts${options}`,
  local: ({ folder, port }) => [
    `host=${folder} port=${port} user=${USER} password='${PASSWORD.replaceAll("'", "\\'")}' dbname=accounts`,
    `postgres:unix(${folder}/.s.PGSQL.${port})/accounts`,
  ],
  password: encodeURIComponent(PASSWORD),
  impatient: "?sslmode=disable&connect_timeout=0.5",
  verified: "?sslmode=verify-full",
  unverified: "",
  encrypted: "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()",
  isTrue: true,
  binary: "BYTEA",
  place: (index) => `$${index}`,
  slow: "SELECT pg_sleep(30)",
  atWork: "SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'SELECT pg_sleep(30)%'",
  session: "SELECT pg_backend_pid()",
  lateSession: "SELECT pg_backend_pid(), pg_sleep(0.05)",
  setting: ["SET lock_timeout = 77", "SHOW lock_timeout"],
  many: "SELECT generate_series(1, 10001)",
  large: "SELECT repeat('x', 1000000) FROM generate_series(1, 9)",
  syntax: /^pq: syntax error/,
  refused: /password authentication failed/,
};

let server: DatabaseServer;
before(async () => {
  server = await startPostgres(readFileSync(new URL("../../lua/schema/postgres.sql", import.meta.url), "utf8"));
});
after(() => server.stop());

const grant = () => `postgres:127.0.0.1:${server.port}/accounts`;

/** Another way into the database than the one under test; `?` stands for a value. */
async function sql(text: string, ...values: readonly (string | number | null)[]): Promise<unknown[][]> {
  const client = new Client({
    host: "127.0.0.1",
    port: server.port,
    user: USER,
    password: () => PASSWORD,
    database: "accounts",
    ssl: false,
    connectionTimeoutMillis: 5_000,
    keepAlive: false,
    types: { getTypeParser: () => (cell) => cell },
  });
  await client.connect();
  let place = 0;
  const numbered = text.replaceAll("?", () => `$${(place += 1)}`);
  try {
    return await new Promise<unknown[][]>((resolve, reject) => {
      const rows: unknown[][] = [];
      const query = new Query({ text: numbered, values, rowMode: "array", queryMode: "extended" });
      query.on("row", (row: unknown[]) => void rows.push(row));
      query.on("error", reject);
      query.on("end", () => resolve(rows));
      client.query(query);
    });
  } finally {
    await client.end();
  }
}

describe("the db module", () => serverSuite(POSTGRES, () => server));

describe("values of PostgreSQL", () => {
  const services = createHostServices({ world: realWorld() });
  after(() => services.close());
  const ask = (op: string, text: string, values: readonly LuaValue[] | null = null, options?: string) => {
    const args = [`postgres:${POSTGRES.dsn(server.port, options)}`, text, values, values?.length ?? 0];
    return services.call({ databases: [grant()], files: [] }, op, args, new AbortController().signal) as Promise<
      Record<string, LuaValue>
    >;
  };
  const row = async (text: string) => {
    const [found] = (await ask("db.query", text))["rows"] as LuaValue[][];
    return found;
  };

  test("numbers and booleans are Lua's, what they cannot hold exactly is text", async () => {
    assert.deepEqual(
      await row("SELECT 7::int2, -5::int4, 9007199254740993::int8, 1.5::float8, 12.50::numeric, true, false, NULL"),
      [7, -5, "9007199254740993", 1.5, "12.50", true, false, null],
    );
  });

  test("times are seconds since the epoch, whatever the server's settings are", async () => {
    await sql("ALTER DATABASE accounts SET datestyle = 'German'");
    await sql("ALTER DATABASE accounts SET timezone = 'Asia/Kolkata'");
    const at = Date.UTC(2024, 1, 29, 12, 30, 15, 250) / 1000;
    const moments = "'2024-02-29 12:30:15.25'::timestamp, '2024-02-29 12:30:15.25+00'::timestamptz";
    const others = "'2024-02-29'::date, '0001-01-01'::timestamp, 'infinity'::timestamp, '12:30'::time";
    assert.deepEqual(await row(`SELECT ${moments}, ${others}`), [
      at,
      at,
      Date.UTC(2024, 1, 29) / 1000,
      -62_135_596_800,
      "infinity",
      "12:30:00",
    ]);
    await sql("ALTER DATABASE accounts RESET ALL");
  });

  test("arrays are tables, also within arrays and with NULL", async () => {
    assert.deepEqual(
      await row(`SELECT ARRAY['a', 'b "c", {d}', NULL], ARRAY[1, 2], ARRAY[[1], [2]], '{}'::text[], '{a,b}'::text`),
      [["a", 'b "c", {d}', null], [1, 2], [[1], [2]], [], "{a,b}"],
    );
  });

  test("text and bytes are in the database what they were in Lua", async () => {
    await sql("CREATE TABLE kinds (a TEXT, b BYTEA, j JSONB)");
    const text = Buffer.from("Grüße 🔑").toString("latin1");
    await ask("db.exec", "INSERT INTO kinds VALUES ($1, $2, $3)", [text, "\u0000\u00fe'", '{"a": 1}']);
    assert.deepEqual(await sql("SELECT encode(convert_to(a, 'UTF8'), 'hex'), encode(b, 'hex') FROM kinds"), [
      [Buffer.from("Grüße 🔑").toString("hex"), "00fe27"],
    ]);
    assert.deepEqual(await row("SELECT * FROM kinds"), [text, "\u0000\u00fe'", '{"a": 1}']);
    await assert.rejects(ask("db.exec", "INSERT INTO kinds (a) VALUES ($1)", ["a\u0000b"]), {
      message: /invalid byte/,
    });
  });

  test("there is no last_insert_id; RETURNING gives what was made", async () => {
    await sql("CREATE TABLE counted (id INT GENERATED ALWAYS AS IDENTITY, a INT)");
    const insert = "INSERT INTO counted (a) VALUES ($1), ($2)";
    assert.deepEqual(await ask("db.exec", insert, [1, 2]), { rows_affected: 2, last_insert_id: null });
    assert.deepEqual((await ask("db.query", `${insert} RETURNING id`, [1, 2]))["rows"], [[3], [4]]);
  });

  test("an unknown key of the DSN is a setting of the session", async () => {
    const show = "SELECT current_setting('application_name'), current_setting('lock_timeout')";
    const options = "?sslmode=disable&application_name=wiki&lock_timeout=77";
    assert.deepEqual((await ask("db.query", show, null, options))["rows"], [["wiki", "77ms"]]);
    await assert.rejects(ask("db.query", show, null, "?sslmode=disable&nonsense=1"), { message: /nonsense/ });
  });
});

describe("scripts", () => scriptSuite(POSTGRES, () => server, sql));

describe("lua/postgres.lua", () =>
  accountsSuite(SCRIPT, {
    start: (source) =>
      startBackend(
        source ?? "",
        { allow: { databases: [grant()] }, environment: { MOONLATCH_POSTGRES: POSTGRES.dsn(server.port) } },
        source === undefined ? SCRIPT : undefined,
      ),
    sql,
    order: "id",
    canStore: (name) => !name.includes("\u0000"),
  }));
