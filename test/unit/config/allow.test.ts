import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { inspect } from "node:util";
import { SOUND, temporaryConfig } from "./temporary-config.ts";

const { folder, faults, config } = temporaryConfig();
const granting = (allow: string) => SOUND.replace("backend.lua }", `backend.lua, allow: { ${allow} } }`);

test("a Redis pool is a server with defaults, and its credentials do not print", () => {
  const { lua } = config(
    granting(
      'redis: { default: { servers: ["127.0.0.1:6379"], password: "${ENV:PASSWORD}", tls: true, ca_file: ca.pem } }',
    ),
    { PASSWORD: "p@ss:word/?#" },
  );
  const { password, ...pool } = lua.backends[0]?.allow.redis["default"] ?? assert.fail();
  assert.equal(password?.expose(), "p@ss:word/?#");
  assert.deepEqual(pool, {
    mode: "standalone",
    servers: ["127.0.0.1:6379"],
    database: 0,
    tls: true,
    ca_file: join(folder, "ca.pem"),
  });
  assert.doesNotMatch(`${inspect(lua, { depth: 9 })}${JSON.stringify(lua)}`, /p@ss/);
});

for (const [pool, because] of [
  ["servers: []", /servers/],
  ['servers: ["redis://user:password@host:6379"]', /must be host:port/],
  ['servers: ["a:1", "b:1"]', /must be a single server with mode: standalone/],
  ['mode: sentinel, servers: ["a:1"]', /belongs to mode: sentinel and is needed there/],
  ['master: mine, servers: ["a:1"]', /belongs to mode: sentinel/],
  ['mode: cluster, servers: ["a:1"], database: 1', /must be 0 with mode: cluster/],
  ['servers: ["a:1"], ca_file: ca.pem', /is only looked at with tls: true/],
  ['servers: ["a:1"], password: ""', /must not be empty/],
  ['servers: ["a:1"], encryption_secret: short', /at least 32 characters/],
  ['server: "a:1"', /unknown key "server"/],
] as const)
  test(`a Redis pool with ${pool} is refused`, () =>
    assert.match(JSON.stringify(faults(granting(`redis: { default: { ${pool} } }`))).replaceAll("\\", ""), because));

test("an LDAP pool has defaults, and its password does not print", () => {
  const { lua } = config(
    granting(
      'ldap: { default: { url: "ldaps://ldap.example.org", bind_dn: "cn=a", bind_password: "${ENV:PASSWORD}", ca_file: ca.pem } }',
    ),
    { PASSWORD: "p@ss:word/?#" },
  );
  const { bind_password, ...pool } = lua.backends[0]?.allow.ldap["default"] ?? assert.fail();
  assert.equal(bind_password?.expose(), "p@ss:word/?#");
  assert.deepEqual(pool, {
    url: "ldaps://ldap.example.org",
    starttls: false,
    bind_dn: "cn=a",
    ca_file: join(folder, "ca.pem"),
    connections: 8,
  });
  assert.doesNotMatch(`${inspect(lua, { depth: 9 })}${JSON.stringify(lua)}`, /p@ss/);
});

for (const url of ["ldap://localhost:389", "ldap://127.0.0.1", "ldap://[::1]:389"])
  test(`an LDAP pool may have ${url} without TLS`, () =>
    assert.deepEqual(faults(granting(`ldap: { default: { url: "${url}" } }`)), []));

for (const [pool, because] of [
  ['url: "ldap://ldap.example.org"', /would send passwords in clear/],
  ['url: "ldap://localhost.example.org"', /would send passwords in clear/],
  ['url: "ldaps://user:password@ldap.example.org"', /must be ldap:\/\/host:port or ldaps:\/\/host:port/],
  ['url: "ldaps://ldap.example.org", starttls: true', /belongs to ldap:\/\//],
  ['url: "ldaps://ldap.example.org", bind_dn: "cn=a"', /and bind_dn belong together/],
  ['url: "ldaps://ldap.example.org", connections: 0', /connections/],
] as const)
  test(`an LDAP pool with ${pool} is refused`, () =>
    assert.match(JSON.stringify(faults(granting(`ldap: { default: { ${pool} } }`))).replaceAll("\\", ""), because));
