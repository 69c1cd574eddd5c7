import assert from "node:assert/strict";
import { test } from "node:test";
import { grantedPath, requireGrant } from "../../../src/lua/services/grants.ts";

const GRANTS = {
  databases: ["sqlite3:/srv/id/data/accounts.db", "sqlite3:/srv/id/data/other.db", "sqlite3:/mnt/other.db"],
};

const addressOf = (name: string) => name.slice("sqlite3:".length);

for (const name of [
  "sqlite3:/srv/id/data/accounts.db",
  "sqlite3:./data/accounts.db",
  "sqlite3:data/accounts.db",
  "sqlite3:accounts.db",
  "sqlite3:file:data/accounts.db?cache=shared&mode=rwc",
]) {
  test(`"${name}" is the granted database`, () => {
    assert.equal(grantedPath(GRANTS, addressOf(name)), "/srv/id/data/accounts.db");
  });
}

for (const name of [
  "sqlite3:/etc/accounts.db",
  "sqlite3:/accounts.db",
  "sqlite3:../data/accounts.db",
  "sqlite3:data/../data/accounts.db",
  "sqlite3:counts.db",
  "sqlite3::memory:",
  "sqlite3:",
  "sqlite3:.",
]) {
  test(`"${name}" is refused by the name of the missing grant`, () => {
    assert.throws(() => grantedPath(GRANTS, addressOf(name)), {
      message: `the database ${addressOf(name)} is not granted; add "${name}" to allow.databases of this backend`,
    });
  });
}

test("an end that two granted databases share is refused, the whole path is not", () => {
  assert.throws(() => grantedPath(GRANTS, "other.db"), { message: /several databases/ });
  assert.equal(grantedPath(GRANTS, "/mnt/other.db"), "/mnt/other.db");
});

test("a server's database is granted by its driver, host, port and name, and by nothing less", () => {
  const databases = ["mysql:db.example.org:3306/accounts"];
  requireGrant({ databases }, "mysql:db.example.org:3306/accounts");
  for (const other of [
    "mysql:db.example.org:3306/other",
    "mysql:db.example.org:3307/accounts",
    "mysql:example.org:3306/accounts",
    "postgres:db.example.org:3306/accounts",
    "mysql:db.example.org:3306/accounts2",
  ])
    assert.throws(() => requireGrant({ databases }, other), {
      message: `the database is not granted; add "${other}" to allow.databases of this backend`,
    });
});

test("nothing is granted to a backend without databases", () => {
  assert.throws(() => grantedPath({ databases: [] }, "accounts.db"), { message: /is not granted/ });
  assert.throws(() => grantedPath(GRANTS, null), { message: /must be text/ });
});
