import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { realWorld } from "../../src/app/index.ts";
import { createHostServices } from "../../src/lua/index.ts";
import type { LuaValue } from "../../src/lua/values.ts";
import { certify } from "../support/certificates.ts";
import { type DatabaseServer } from "../support/database-servers.ts";

/** A kind of server and how it says what all say. */
export interface ServerKind {
  readonly driver: "mysql" | "postgres";
  /** What scripts give `db.open`. */
  readonly dsn: (port: number, options?: string) => string;
  /** The DSN and the grant of its socket. */
  readonly local: (server: DatabaseServer) => readonly [dsn: string, grant: string];
  /** The password as it stands in the DSN. */
  readonly password: string;
  /** Options of a DSN. */
  readonly impatient: string;
  readonly verified: string;
  readonly unverified: string;
  readonly encrypted: string;
  readonly isTrue: LuaValue;
  readonly binary: string;
  readonly place: (index: number) => string;
  /** A statement of over half a minute, and one that counts the sessions that are at it. */
  readonly slow: string;
  readonly atWork: string;
  readonly session: string;
  /** The same, after a while in which other statements come. */
  readonly lateSession: string;
  readonly setting: readonly [set: string, show: string];
  readonly many: string;
  readonly large: string;
  readonly syntax: RegExp;
  readonly refused: RegExp;
}

/** The `db` module's operations with one kind of server, and what becomes of them when the server does not do its part. */
export function serverSuite(kind: ServerKind, serverOf: () => DatabaseServer): void {
  const services = createHostServices({ world: realWorld() });
  after(() => services.close());
  const dsn = (options?: string, port = serverOf().port): string => `${kind.driver}:${kind.dsn(port, options)}`;
  const grantOf = (port: number, database = "accounts") => `${kind.driver}:127.0.0.1:${port}/${database}`;
  const ask = (op: string, args: readonly LuaValue[], signal = new AbortController().signal, port = serverOf().port) =>
    services.call({ databases: [grantOf(port)], files: [] }, op, args, signal) as Promise<Record<string, LuaValue>>;
  /** Whether the session is encrypted, at a server with a name. */
  const named = async (options: string) => {
    const args = [dsn(options).replace("127.0.0.1", "localhost"), kind.encrypted, [], 0];
    const databases = [`${kind.driver}:localhost:${serverOf().port}/accounts`];
    const found = await services.call({ databases, files: [] }, "db.query", args, new AbortController().signal);
    return found as Record<string, LuaValue>;
  };
  const query = async (sql: string, ...values: readonly LuaValue[]) =>
    (await ask("db.query", [dsn(), sql, values, values.length]))["rows"];
  const text = async (sql: string, options: LuaValue = null) =>
    (await ask("db.query", [dsn(), sql, null, 0, options]))["rows"];
  const exec = (sql: string, ...values: readonly LuaValue[]) => ask("db.exec", [dsn(), sql, values, values.length]);
  const busy = async () => Number(((await text(kind.atWork)) as LuaValue[][])[0]?.[0]);
  /** As many slow statements are at work on the server. */
  const untilBusy = async (count: number) => {
    while ((await busy()) !== count) await new Promise((resolve) => setImmediate(resolve));
  };

  before(() => exec(`CREATE TABLE v (a VARCHAR(100), b ${kind.binary}, c BIGINT, d DOUBLE PRECISION, e VARCHAR(5))`));

  test("values come back as they went in: text in UTF-8, any bytes, numbers, NULL in the middle and at the end", async () => {
    const row = [Buffer.from("Grüße 🔑 '; DROP TABLE v; --").toString("latin1"), "\u0000\u00ff\u00fe", 42, 1.5, null];
    const places = [1, 2, 3, 4, 5].map(kind.place).join(", ");
    assert.equal((await exec(`INSERT INTO v VALUES (${places})`, ...row))["rows_affected"], 1);
    assert.deepEqual(await ask("db.query", [dsn(), "SELECT a, b, c, d, e, NULL AS f FROM v", [], 0]), {
      columns: ["a", "b", "c", "d", "e", "f"],
      rows: [[...row, null]],
    });
    assert.deepEqual(await query(`SELECT e, c FROM v WHERE c = ${kind.place(1)}`, 42), [[null, 42]]);
  });

  test("integers are exact: as numbers up to 2^53, as text beyond", async () => {
    assert.deepEqual(await query("SELECT 9007199254740991, 9007199254740993, -9223372036854775807"), [
      [9007199254740991, "9007199254740993", "-9223372036854775807"],
    ]);
    await exec("DELETE FROM v");
    await exec(`INSERT INTO v (c) VALUES (${kind.place(1)})`, 9007199254740991);
    assert.deepEqual(await query("SELECT c + 2 FROM v"), [["9007199254740993"]]);
  });

  test("exec counts the rows that changed", async () => {
    await exec("DELETE FROM v");
    assert.equal((await exec("INSERT INTO v (c) VALUES (1), (2)"))["rows_affected"], 2);
    assert.equal((await exec(`UPDATE v SET c = ${kind.place(1)} WHERE c > 0`, 3))["rows_affected"], 2);
    assert.equal((await exec("UPDATE v SET c = 4 WHERE c = 99"))["rows_affected"], 0);
  });

  test("the server's complaints are rejections in the form Go's driver gives them, and the connection goes on", async () => {
    const first = await text(kind.session);
    await assert.rejects(query("SELECT FROM WHERE"), { message: kind.syntax });
    await assert.rejects(text("SELECT FROM WHERE"), { message: kind.syntax });
    await assert.rejects(query("SELECT * FROM nowhere"), { message: /nowhere/ });
    assert.deepEqual(await text(kind.session), first);
  });

  test("one text is one statement", async () => {
    await assert.rejects(text("SELECT 1; SELECT 2"));
    await assert.rejects(exec("DELETE FROM v; DROP TABLE v"));
    await query("SELECT c FROM v");
  });

  test("what a statement leaves in its session reaches no other call", async () => {
    const untouched = await text(kind.setting[1]);
    await text(kind.setting[0]);
    assert.deepEqual(await text(kind.setting[1]), untouched);
    await exec("CREATE TEMPORARY TABLE only_here (a INT)");
    await assert.rejects(query("SELECT * FROM only_here"));
  });

  test("a transaction cannot stay open, and what it changed is undone", async () => {
    await exec("DELETE FROM v");
    await assert.rejects(text("BEGIN"), { message: /cannot span several calls/ });
    await exec("INSERT INTO v (c) VALUES (1)");
    assert.deepEqual(await query("SELECT c FROM v"), [[1]]);
  });

  test("a read-only connection changes nothing", async () => {
    const open = (sql: string) => ask("db.exec", [dsn(), sql, null, 0, { read_only: true }]);
    await assert.rejects(open("INSERT INTO v (c) VALUES (5)"), { message: /read.only/i });
    assert.deepEqual(await text("SELECT COUNT(*) FROM v WHERE c = 5", { read_only: true }), [
      [kind.driver === "mysql" ? "0" : 0],
    ]);
  });

  test("a result of over ten thousand rows or eight megabytes is refused, and the next query works", async () => {
    await assert.rejects(query(kind.many), { message: /over 10000 rows/ });
    await assert.rejects(text(kind.large), { message: /larger than 8 MB/ });
    assert.equal(((await query(`${kind.many} LIMIT 10000`)) as LuaValue[]).length, 10_000);
  });

  test("a statement whose call is over ends on the server, and its connection serves nobody again", async () => {
    const first = await text(kind.session, { max_connections: 1 });
    const over = new AbortController();
    const slow = ask("db.query", [dsn(), kind.slow, null, 0, { max_connections: 2 }], over.signal);
    await untilBusy(1);
    over.abort();
    await assert.rejects(slow, { message: "the call is over" });
    await untilBusy(0);
    assert.notDeepEqual(await text(kind.session), first);
  });

  test("32 statements share 4 connections and all end", async () => {
    const sessions = await Promise.all(
      Array.from({ length: 32 }, () => text(kind.lateSession, { max_connections: 4 })),
    );
    const used = new Set(sessions.map((rows) => (rows as LuaValue[][])[0]?.[0]));
    assert.ok(used.size === 4, `${used.size}`);
  });

  test("statements in flight fail when the server dies, at once while it is down, and work again afterwards", async () => {
    const slow = assert.rejects(query(kind.slow));
    await untilBusy(1);
    await serverOf().kill();
    await slow;
    const started = performance.now();
    await assert.rejects(query("SELECT 1"), {
      message: new RegExp(`^${grantOf(serverOf().port)} cannot be reached: .*ECONNREFUSED`),
    });
    assert.ok(performance.now() - started < 1_000);
    await serverOf().start();
    assert.deepEqual(await query("SELECT 1"), [[1]]);
  });

  test("connections that broke while nobody used them are not used", async () => {
    await Promise.all(Array.from({ length: 4 }, () => text(kind.session)));
    await serverOf().restart();
    for (const rows of await Promise.all(Array.from({ length: 8 }, () => query("SELECT 1"))))
      assert.deepEqual(rows, [[1]]);
  });

  test("a wrong password is refused in the server's words, and is in no message", async () => {
    const wrong = dsn().replace(kind.password, "wrong-secret");
    await assert.rejects(ask("db.query", [wrong, "SELECT 1"]), ({ message }: Error) => {
      assert.match(message, kind.refused);
      return !message.includes("wrong-secret");
    });
  });

  test("a server without TLS is refused where the DSN asks for it", async () => {
    await assert.rejects(named(kind.verified), { message: /cannot be reached: .*(SSL|secure)/i });
  });

  test("with TLS a server's certificate counts when an authority that is trusted gave it for the name in the DSN", async () => {
    const authority = await certify({ name: "The databases", isAuthority: true });
    await serverOf().secure(await certify({ name: "localhost", by: authority }));
    const trusted = getCACertificates();
    assert.deepEqual((await named(kind.unverified))["rows"], [[kind.isTrue]]);
    await assert.rejects(named(kind.verified), { message: /cannot be reached: .*(certificate|issuer)/i });
    setDefaultCACertificates([...trusted, authority.certificate]);
    try {
      assert.deepEqual((await named(kind.verified))["rows"], [[kind.isTrue]]);
      await serverOf().secure(await certify({ name: "other.example.org", by: authority }));
      await assert.rejects(named(kind.verified), { message: /cannot be reached: .*(altnames|Hostname)/i });
    } finally {
      setDefaultCACertificates(trusted);
    }
  });

  test("a database that is not granted is refused by the name of its grant", async () => {
    await assert.rejects(ask("db.open", [dsn().replace("/accounts", "/other")]), {
      message: `the database is not granted; add "${grantOf(serverOf().port, "other")}" to allow.databases of this backend`,
    });
  });

  test("a server is reached by its socket", async () => {
    const [local, grant] = kind.local(serverOf());
    const args = [`${kind.driver}:${local}`, "SELECT 1 AS one", [], 0];
    const found = await services.call(
      { databases: [grant], files: [] },
      "db.query",
      args,
      new AbortController().signal,
    );
    assert.deepEqual(found, { columns: ["one"], rows: [[1]] });
  });

  for (const [what, talk] of [
    ["says nothing", () => undefined],
    ["hangs up", (socket) => void socket.end()],
    ["answers with something else", (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["answers with noise", (socket) => void socket.write(Buffer.alloc(4_096, 0xa7))],
  ] satisfies [string, (socket: Socket) => void][]) {
    test(`a server that ${what} is a clear failure in time`, async () => {
      const other: Server = createServer((socket) => {
        socket.on("error", () => undefined);
        talk(socket);
      });
      other.listen(0, "127.0.0.1");
      await once(other, "listening");
      const address = other.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      const started = performance.now();
      try {
        await assert.rejects(ask("db.query", [dsn(kind.impatient, port), "SELECT 1"], undefined, port), {
          message: new RegExp(`^${grantOf(port)} cannot be reached: .+`),
        });
        assert.ok(performance.now() - started < 2_500);
      } finally {
        other.close();
      }
    });
  }
}
