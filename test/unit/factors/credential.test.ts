import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cleanName,
  type NewCredential,
  readCredential,
  renamedCredential,
  usedCredential,
  writeCredential,
} from "../../../src/factors/credential.ts";
import { createManualClock } from "../../support/manual-clock.ts";

const MADE: NewCredential = {
  id: new Uint8Array([251, 255, 1]),
  publicKey: new Uint8Array([1, 2, 3]),
  counter: 7,
  transports: ["internal", "hybrid"],
  name: "Work laptop",
  aaguid: "08987058-cadc-4b81-b6e1-30de50dcbe96",
  attachment: "platform",
  userVerified: true,
  backupEligible: true,
  backedUp: false,
  format: "none",
  clientDataJson: new TextEncoder().encode("{}"),
  clientDataHash: new Uint8Array([9]),
  authenticatorData: new Uint8Array([8]),
  algorithm: -7,
  attestationObject: new Uint8Array([7]),
};

test("a credential is written as Go's webauthn library writes it, with padded base64 and fields in its order", () => {
  assert.equal(
    writeCredential(MADE),
    '{"id":"+/8B","publicKey":"AQID","attestationType":"none","transport":["internal","hybrid"],' +
      '"flags":{"userPresent":true,"userVerified":true,"backupEligible":true,"backupState":false},' +
      '"authenticator":{"AAGUID":"CJhwWMrcS4G24TDeUNy+lg==","signCount":7,"cloneWarning":false,"attachment":"platform"},' +
      '"attestation":{"clientDataJSON":"e30=","clientDataHash":"CQ==","authenticatorData":"CA==","publicKeyAlgorithm":-7,"object":"Bw=="},' +
      '"name":"Work laptop","lastUsed":"0001-01-01T00:00:00Z","signCount":7}',
  );
});

test("what was written is read back, the id in base64url, never used", () => {
  const read = readCredential(writeCredential(MADE));
  assert.ok(read !== undefined);
  assert.deepEqual(
    [read.id, read.counter, read.name, read.lastUsed, read.synced, read.multiDevice, read.aaguid],
    ["-_8B", 7, "Work laptop", undefined, false, true, MADE.aaguid],
  );
});

test("records of other systems are read whatever is missing; the counter at the top wins", () => {
  const old = readCredential('{"id":"+/8B","publicKey":"AQID","authenticator":{"signCount":3},"transport":null}');
  assert.deepEqual([old?.counter, old?.transports, old?.name, old?.multiDevice], [3, [], "", undefined]);
  assert.equal(
    readCredential('{"id":"+/8B","publicKey":"AQID","signCount":9,"authenticator":{"signCount":3}}')?.counter,
    9,
  );
  for (const broken of [
    "",
    "x",
    "[]",
    "null",
    "{}",
    '{"id":"AA"}',
    '{"id":1,"publicKey":"AQID"}',
    '{"id":"","publicKey":"AQID"}',
  ])
    assert.equal(readCredential(broken), undefined, broken);
});

test("a use and a new name change what they are about; everything else stays, also what nobody here knows", () => {
  const raw =
    '{"vendor":{"x":[1]},"id":"+/8B","publicKey":"AQID","authenticator":{"AAGUID":"","signCount":3,"odd":true},"signCount":3}';
  const use = { counter: 4, userVerified: true, backedUp: false, cloneWarning: false };
  const used = JSON.parse(usedCredential(raw, use, createManualClock())) as Record<string, Record<string, unknown>>;
  assert.deepEqual(Object.keys(used).slice(0, 3), ["vendor", "id", "publicKey"]);
  assert.deepEqual(used["authenticator"], { AAGUID: "", signCount: 4, odd: true, cloneWarning: false });
  assert.deepEqual([used["signCount"], used["lastUsed"]], [4, "2026-01-01T00:00:00.000Z"]);
  assert.equal(renamedCredential(raw, "Key"), `${raw.slice(0, -1)},"name":"Key"}`);
});

test("names lose what naive scripts stumble over, and keep every script and emoji", () => {
  assert.equal(cleanName(`  Ben's "key"\\\n<x> \u202e`), "Bens key x");
  assert.equal(cleanName("密钥 🔑 für zu Hause"), "密钥 🔑 für zu Hause");
  assert.equal(Array.from(cleanName("🔑".repeat(100))).length, 64);
});
