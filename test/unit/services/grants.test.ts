import assert from "node:assert/strict";
import { test } from "node:test";
import { grantedPath } from "../../../src/lua/services/grants.ts";

const GRANTS = {
  databases: ["sqlite3:/srv/id/data/accounts.db", "sqlite3:/srv/id/data/other.db", "sqlite3:/mnt/other.db"],
};

for (const name of [
  "sqlite3:/srv/id/data/accounts.db",
  "sqlite3:./data/accounts.db",
  "sqlite3:data/accounts.db",
  "sqlite3:accounts.db",
  "sqlite3:file:data/accounts.db?cache=shared&mode=rwc",
]) {
  test(`"${name}" is the granted database`, () => {
    assert.equal(grantedPath(GRANTS, name), "/srv/id/data/accounts.db");
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
    assert.throws(() => grantedPath(GRANTS, name), {
      message: `the database ${name.slice("sqlite3:".length)} is not granted; add "${name}" to allow.databases of this backend`,
    });
  });
}

test("an end that two granted databases share is refused, the whole path is not", () => {
  assert.throws(() => grantedPath(GRANTS, "sqlite3:other.db"), { message: /several databases/ });
  assert.equal(grantedPath(GRANTS, "sqlite3:/mnt/other.db"), "/mnt/other.db");
});

test("a driver that is not there is named, without the address that may hold a password", () => {
  assert.throws(() => grantedPath(GRANTS, "mysql:user:secret@tcp(db)/x"), {
    message: 'the driver "mysql" is not available; use sqlite3',
  });
});

test("nothing is granted to a backend without databases", () => {
  assert.throws(() => grantedPath({ databases: [] }, "sqlite3:accounts.db"), { message: /is not granted/ });
  assert.throws(() => grantedPath(GRANTS, null), { message: /must be text/ });
});
