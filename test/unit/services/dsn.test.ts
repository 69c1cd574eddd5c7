import assert from "node:assert/strict";
import { test } from "node:test";
import type { Target } from "../../../src/lua/services/databases/connection.ts";
import { parseMysqlDsn } from "../../../src/lua/services/databases/mysql-dsn.ts";
import { parsePostgresDsn } from "../../../src/lua/services/databases/postgres-dsn.ts";

const SECRET = "s3cr3t";

function loginOf({ user, password, database, grant }: Target): readonly string[] {
  return [user, password, database, grant];
}

for (const [dsn, ...expected] of [
  ["u:s3cr3t@tcp(db.example.org:3307)/a", "u", SECRET, "a", "mysql:db.example.org:3307/a"],
  ["u:s3cr3t@tcp(DB.example.org)/a?parseTime=true", "u", SECRET, "a", "mysql:db.example.org:3306/a"],
  ["u:p@ss:w/or?d@tcp(127.0.0.1:3306)/a", "u", "p@ss:w/or?d", "a", "mysql:127.0.0.1:3306/a"],
  ["u@tcp([::1]:3306)/a", "u", "", "a", "mysql:[::1]:3306/a"],
  ["u:s3cr3t@unix(/run/mysqld/mysqld.sock)/a", "u", SECRET, "a", "mysql:unix(/run/mysqld/mysqld.sock)/a"],
  ["u@/a%2Fb", "u", "", "a/b", "mysql:127.0.0.1:3306/a/b"],
  ["/", "", "", "", "mysql:127.0.0.1:3306/"],
] as const) {
  test(`MySQL's DSN "${dsn}" is read as Go reads it`, () => {
    assert.deepEqual(loginOf(parseMysqlDsn(dsn)), expected);
  });
}

test("the options of MySQL's DSN say how values come, and the rest are variables of the session", () => {
  const { parseTime, zone, foundRows, connectTimeout, tls, settings } = parseMysqlDsn(
    "u@/a?parseTime=True&loc=Europe%2FBerlin&clientFoundRows=1&timeout=1.5s&tls=skip-verify&charset=utf8mb4,utf8&collation=utf8mb4_bin&multiStatements=false&readTimeout=3s&sql_mode=%27ANSI%27",
  );
  assert.deepEqual(
    [parseTime, zone, foundRows, connectTimeout, tls],
    [true, "Europe/Berlin", true, 1_500, "unverified"],
  );
  assert.deepEqual(settings, [
    ["collation_connection", "utf8mb4_bin"],
    ["sql_mode", "'ANSI'"],
  ]);
  assert.equal(parseMysqlDsn("u@tcp(h)/a?tls=true").tls, "full");
  assert.equal(parseMysqlDsn("u@unix(/s)/a?tls=true").tls, "off");
  assert.equal(parseMysqlDsn("u@/a").connectTimeout, 3_000);
});

for (const [dsn, message] of [
  ["u:s3cr3t@tcp(h:3306)", /a DSN of mysql is such as/],
  ["mysql://u:s3cr3t@h/a?x", /reached by tcp|such as/],
  ["u:s3cr3t@udp(h)/a", /reached by tcp\(host:port\) or unix\(\/path\)/],
  ["u:s3cr3t@tcp(h:port)/a", /must be host:port/],
  ["u:s3cr3t@/a?multiStatements=true", /option multiStatements is refused/],
  ["u:s3cr3t@/a?allowAllFiles=true", /option allowAllFiles is refused/],
  ["u:s3cr3t@/a?tls=preferred", /tls must be true, skip-verify or false/],
  ["u:s3cr3t@tcp(127.0.0.1)/a?tls=true", /tls=true needs the name/],
  ["u:s3cr3t@/a?charset=latin1", /charset must be utf8mb4/],
  ["u:s3cr3t@/a?loc=Nowhere", /loc must be a time zone/],
  ["u:s3cr3t@/a?timeout=3", /timeout must be such as 500ms or 3s/],
  ["u:s3cr3t@/a?x%20=1;DROP", /an option that is not known/],
] as const) {
  test(`MySQL's DSN "${dsn}" is refused without repeating it`, () => {
    assert.throws(
      () => parseMysqlDsn(dsn),
      ({ message: said }: Error) => {
        assert.match(said, message);
        return !said.includes(SECRET);
      },
    );
  });
}

for (const [dsn, ...expected] of [
  ["postgres://u:s3cr3t@db.example.org:5433/a", "u", SECRET, "a", "postgres:db.example.org:5433/a"],
  ["postgresql://u:p%40ss%2Fw%3Ard@DB.example.org/a", "u", "p@ss/w:rd", "a", "postgres:db.example.org:5432/a"],
  ["postgres://u@[::1]/a", "u", "", "a", "postgres:[::1]:5432/a"],
  ["postgres://u:s3cr3t@/a?host=/run/postgresql", "u", SECRET, "a", "postgres:unix(/run/postgresql/.s.PGSQL.5432)/a"],
  ["host=h port=5433 user=u password='it\\'s \\\\ ok' dbname=a", "u", "it's \\ ok", "a", "postgres:h:5433/a"],
  ["user=u password=s3cr3t", "u", SECRET, "u", "postgres:localhost:5432/u"],
  ["host=/Run/pg user=u dbname = a", "u", "", "a", "postgres:unix(/Run/pg/.s.PGSQL.5432)/a"],
] as const) {
  test(`PostgreSQL's DSN "${dsn}" is read as Go reads it`, () => {
    assert.deepEqual(loginOf(parsePostgresDsn(dsn)), expected);
  });
}

test("PostgreSQL is reached with TLS unless sslmode or a socket says otherwise, and unknown keys are settings", () => {
  const tlsOf = (rest: string) => parsePostgresDsn(`user=u ${rest}`).tls;
  assert.deepEqual(
    ["", "sslmode=disable", "sslmode=require", "sslmode=verify-ca", "sslmode=verify-full", "host=/run"].map(tlsOf),
    ["unverified", "off", "unverified", "chain", "full", "off"],
  );
  const { settings, connectTimeout } = parsePostgresDsn("user=u connect_timeout=2 search_path=wiki TimeZone=UTC");
  assert.deepEqual(settings, [
    ["search_path", "wiki"],
    ["TimeZone", "UTC"],
  ]);
  assert.equal(connectTimeout, 2_000);
});

for (const [dsn, message] of [
  ["", /a DSN of postgres is such as/],
  ["postgres://u:s3cr3t@h:port/a", /a DSN of postgres is such as/],
  ["postgres://u:s3cr3t%@h/a", /a DSN of postgres is such as/],
  ["host=h user=u password='s3cr3t", /a DSN of postgres is such as/],
  ["password=s3cr3t", /names no user/],
  ["user=u password=s3cr3t port=0", /port in the DSN/],
  ["user=u password=s3cr3t sslmode=prefer", /sslmode must be disable, require, verify-ca or verify-full/],
  ["user=u password=s3cr3t sslrootcert=/etc/ca.pem", /sslrootcert is refused; .* NODE_EXTRA_CA_CERTS/],
  ["user=u password=s3cr3t sslkey=/etc/key.pem", /sslkey is refused/],
  ["user=u password=s3cr3t client_encoding=LATIN1", /client_encoding must be UTF8/],
] as const) {
  test(`PostgreSQL's DSN "${dsn}" is refused without repeating it`, () => {
    assert.throws(
      () => parsePostgresDsn(dsn),
      ({ message: said }: Error) => {
        assert.match(said, message);
        return !said.includes(SECRET);
      },
    );
  });
}
