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
