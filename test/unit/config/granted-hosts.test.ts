import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { certify } from "../../support/certificates.ts";
import { SOUND, temporaryConfig } from "./temporary-config.ts";

const { folder, write, faults, config } = temporaryConfig();
const allowing = (what: string): string => SOUND.replace("backend.lua }", `backend.lua, allow: { ${what} } }`);

const GOOD = [
  "intranet.example.org",
  "localhost:8081",
  "b\u00fccher.example",
  "10.1.2.3",
  "10.1.2.3:8443",
  "10.1.0.0/16",
  "0.0.0.0/0",
  "fd00::1",
  "[fd00::1]",
  "[fd00::1]:8443",
  "fd00::/8",
];
test("hosts are names, addresses, both with a port, and ranges", () => {
  const { lua } = config(allowing(`hosts: ${JSON.stringify(GOOD)}`));
  assert.deepEqual(lua.backends[0]?.allow.hosts, GOOD);
});

for (const wrong of [
  "",
  "*",
  "*.example.org",
  "https://example.org",
  "example.org/",
  "example.org/path",
  "a b",
  "user@example.org",
  "example.org:0",
  "example.org:65536",
  "example.org:https",
  "10.1",
  "10.1.2.300",
  "10.0.0.0/33",
  "10.0.0.0/",
  "fd00::/129",
  "[10.1.2.3]",
  "example.org.",
]) {
  test(`"${wrong}" is no host`, () => {
    const [fault, ...more] = faults(allowing(`hosts: ["${wrong}"]`));
    assert.deepEqual([fault?.path, more], ["lua.backends[0].allow.hosts[0]", []]);
    assert.match(fault?.message ?? "", /must be a host such as "intranet.example.org", "localhost:8081"/);
  });
}

test("ca_file is a file with an authority's certificate, and its path starts at the folder of the file", async () => {
  write("ca.pem", (await certify({ name: "Test authority", isAuthority: true })).certificate);
  write("leaf.pem", (await certify({ name: "localhost" })).certificate);
  assert.equal(config(allowing("ca_file: ca.pem")).lua.backends[0]?.allow.ca_file, join(folder, "ca.pem"));
  for (const file of ["nowhere.pem", "leaf.pem", "backend.lua"])
    assert.deepEqual(
      faults(allowing(`ca_file: ${file}`)).map(({ path, message }) => `${path}: ${message}`),
      [
        `lua.backends[0].allow.ca_file: ${join(folder, file)} is no PEM file that begins with an authority's certificate`,
      ],
    );
});
