import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, beforeEach, test } from "node:test";
import { realWorld } from "../../../src/app/index.ts";
import { createHostServices } from "../../../src/lua/index.ts";
import type { LuaValue } from "../../../src/lua/values.ts";

const folder = mkdtempSync(join(tmpdir(), "moonlatch-sqlite-"));
const path = join(folder, "new", "accounts.db");
const dsn = `sqlite3:${path}`;
const services = createHostServices({ world: realWorld() });
after(async () => {
  await services.close();
  rmSync(folder, { recursive: true, force: true });
});

const ask = (op: string, ...args: readonly LuaValue[]) =>
  services.call({ databases: [dsn], files: [] }, op, args, new AbortController().signal);
const query = (sql: string, ...values: readonly LuaValue[]) => ask("db.query", dsn, sql, values, values.length);
const exec = (sql: string, ...values: readonly LuaValue[]) => ask("db.exec", dsn, sql, values, values.length);
const bytes = (text: string) => Buffer.from(text).toString("latin1");

beforeEach(async () => {
  await exec("DROP TABLE IF EXISTS t; CREATE TABLE t (a, b)");
});

test("a database that is made here can be read by its owner alone", () => {
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, "new")).mode & 0o777, 0o700);
});

test("values come back as they went in: text in UTF-8, any bytes, numbers, and NULL in the middle and at the end", async () => {
  const values = [bytes("Grüße 🔑 '; DROP TABLE t; --"), "\u0000\u00ff\u00fe", "a\u0000b", 42, 1.5, -7, null];
  for (const value of values) await exec("INSERT INTO t VALUES (?, ?)", value, null);
  assert.deepEqual(await query("SELECT a, b FROM t ORDER BY rowid"), {
    columns: ["a", "b"],
    rows: values.map((value) => [value, null]),
  });
  assert.deepEqual(await query("SELECT ?, ?, ?", null, "x", null), {
    columns: ["?", "?", "?"],
    rows: [[null, "x", null]],
  });
});

test("a value with a NUL is not the value before it", async () => {
  await exec("INSERT INTO t VALUES (?, 1)", "demo");
  assert.deepEqual(await query("SELECT b FROM t WHERE a = ?", "demo\u0000x"), { columns: ["b"], rows: [] });
});

test("integers are exact: as numbers up to 2^53, as text beyond", async () => {
  const { rows } = (await query("SELECT 9007199254740991, 9007199254740993, -9223372036854775808")) as {
    rows: LuaValue[][];
  };
  assert.deepEqual(rows, [[9007199254740991, "9007199254740993", "-9223372036854775808"]]);
});

test("exec counts the rows of the last change and gives the id of the last insert", async () => {
  assert.deepEqual(await exec("INSERT INTO t VALUES ('a;b', 1), ('c', 2)"), { rows_affected: 2, last_insert_id: 2 });
  assert.deepEqual(await exec("UPDATE t SET b = ? WHERE a = ?", 5, "c"), { rows_affected: 1, last_insert_id: 2 });
  assert.deepEqual(await exec("UPDATE t SET b = 5 WHERE a = 'nobody';"), { rows_affected: 0, last_insert_id: 2 });
  assert.deepEqual(await exec("CREATE TABLE IF NOT EXISTS t (a)"), { rows_affected: 0, last_insert_id: 2 });
});

test("a column that was added later is there in a statement that was prepared before", async () => {
  await exec("INSERT INTO t VALUES (1, 2)");
  await query("SELECT * FROM t");
  await exec("ALTER TABLE t ADD COLUMN c DEFAULT 3");
  assert.deepEqual(await query("SELECT * FROM t"), { columns: ["a", "b", "c"], rows: [[1, 2, 3]] });
});

test("SQLite's complaints are rejections in its own words", async () => {
  await assert.rejects(query("SELEKT 1"), { message: /syntax error/ });
  await assert.rejects(ask("db.prepare", dsn, "SELECT * FROM nowhere"), { message: /no such table: nowhere/ });
});

for (const begin of ["BEGIN", "BEGIN IMMEDIATE; INSERT INTO t VALUES (1, 1)", "SAVEPOINT s"]) {
  test(`"${begin}" cannot hold the database over the end of its call`, async () => {
    await assert.rejects(exec(begin), { message: /cannot span several calls/ });
    assert.deepEqual(await query("SELECT a FROM t"), { columns: ["a"], rows: [] });
    await exec("BEGIN; INSERT INTO t VALUES (2, 2); COMMIT");
    assert.deepEqual(await query("SELECT a FROM t"), { columns: ["a"], rows: [[2]] });
  });
}

test("a text of several statements that fails leaves no transaction behind", async () => {
  await assert.rejects(exec("BEGIN; INSERT INTO t VALUES (1, 1); SELEKT 1; COMMIT"));
  assert.deepEqual(await query("SELECT a FROM t"), { columns: ["a"], rows: [] });
  assert.deepEqual(await exec("INSERT INTO t VALUES (3, 3)"), { rows_affected: 1, last_insert_id: 1 });
});

test("a statement reaches no other file", async () => {
  const other = join(folder, "other.db");
  await assert.rejects(exec(`ATTACH '${other}' AS o`), { message: /not authorized/ });
  await assert.rejects(exec("ATTACH ? AS o", other), { message: /not authorized/ });
  await assert.rejects(exec(`VACUUM INTO '${other}'`), { message: /authoriz/ });
  await assert.rejects(query("SELECT load_extension(?)", other), { message: /not authorized/ });
  assert.equal(existsSync(other), false);
  await exec("VACUUM");
});

test("a result of over ten thousand rows or eight megabytes is refused, and the next query works", async () => {
  const rows = "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c LIMIT ?)";
  const { rows: most } = (await query(`${rows} SELECT n FROM c`, 10_000)) as { rows: LuaValue[][] };
  assert.equal(most.length, 10_000);
  await assert.rejects(query(`${rows} SELECT n FROM c`, 10_001), { message: /over 10000 rows/ });
  await assert.rejects(query(`${rows} SELECT hex(zeroblob(1000000)) FROM c`, 9), { message: /larger than 8 MB/ });
  assert.deepEqual(await query("SELECT 1 AS one"), { columns: ["one"], rows: [[1]] });
});

test("a read-only connection changes nothing, and the next one does", async () => {
  const readOnly = (op: string, sql: string) => ask(op, dsn, sql, null, 0, { read_only: true });
  await assert.rejects(readOnly("db.exec", "INSERT INTO t VALUES (1, 1)"), { message: /readonly/ });
  await assert.rejects(readOnly("db.query", "DELETE FROM t RETURNING a"), { message: /readonly/ });
  assert.deepEqual(await readOnly("db.query", "SELECT count(*) AS n FROM t"), { columns: ["n"], rows: [[0]] });
  await exec("INSERT INTO t VALUES (1, 1)");
});

test("a statement that is no UTF-8 is refused, and so is a driver that is not there, without its address", async () => {
  await assert.rejects(query("SELECT '\u00ff'"), { message: /not UTF-8; give bytes as parameters/ });
  await assert.rejects(ask("db.open", "oracle:user:secret@tcp(db)/x"), {
    message: 'the driver "oracle" is not available; use sqlite3, mysql, postgres',
  });
});

test("a file that is no database is a rejection each time", async () => {
  const { writeFileSync } = await import("node:fs");
  const file = join(folder, "text.db");
  writeFileSync(file, "this is text, and enough of it to be read as the head of a database file. ".repeat(20));
  const open = () =>
    services.call(
      { databases: [`sqlite3:${file}`], files: [] },
      "db.open",
      [`sqlite3:${file}`],
      new AbortController().signal,
    );
  await assert.rejects(open(), { message: /not a database/ });
  await assert.rejects(open(), { message: /not a database/ });
});

test("only what changes nothing counts as readable again", () => {
  for (const [op, ...args] of [
    ["db.query", dsn, "SELECT 1"],
    ["db.query", dsn, "\n  select a from t"],
    ["password.compare", "", ""],
    ["cache.get", "k"],
  ] as const)
    assert.equal(services.isReadOnly(op, args), true, op);
  for (const [op, ...args] of [
    ["db.query", dsn, "DELETE FROM t RETURNING a"],
    ["db.query", dsn, "WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x"],
    ["db.exec", dsn, "SELECT 1"],
    ["cache.set", "k", 1],
    ["cache.pop_all", "k"],
    ["unheard.of"],
  ] as const)
    assert.equal(services.isReadOnly(op, args), false, op);
});
