import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { createConnectionGate } from "../../../src/front/index.ts";
import { trustedProxies } from "../../../src/http/index.ts";
import { createLogger } from "../../../src/telemetry/index.ts";
import { createManualClock } from "../../support/manual-clock.ts";

/** A gate that lets two connections of an address in, and what opens one. */
function gateFor(proxies: readonly string[]) {
  const log: string[] = [];
  const clock = createManualClock();
  const gate = createConnectionGate({
    limits: { total: 100, per_address: 2 },
    isTrusted: trustedProxies(proxies),
    logger: createLogger({ level: "info", format: "json", write: (line) => void log.push(line) }),
    clock,
  });
  const open = (remoteAddress: string) => {
    const socket = Object.assign(new EventEmitter(), { remoteAddress, destroy: () => undefined });
    return { isIn: gate.admit(socket as unknown as Socket), close: () => void socket.emit("close") };
  };
  return { open, log, clock };
}

test("addresses of one IPv6 /64 count together, those of another and IPv4 ones by themselves", () => {
  const { open } = gateFor([]);
  const enter = (address: string): boolean => open(address).isIn;
  assert.deepEqual(["2001:db8::1", "2001:db8:0:0:ffff::2", "2001:db8::3"].map(enter), [true, true, false]);
  assert.equal(enter("2001:db8:0:1::1"), true);
  assert.deepEqual(["192.0.2.1", "::ffff:192.0.2.1", "192.0.2.1", "192.0.2.2"].map(enter), [true, true, false, true]);
});

test("a trusted proxy has no limit of its own, in either spelling of its address", () => {
  const { open } = gateFor(["192.0.2.0/24"]);
  for (let count = 0; count < 10; count += 1)
    for (const address of ["192.0.2.7", "::ffff:192.0.2.7"]) assert.equal(open(address).isIn, true);
});

test("a connection that closed makes room for one, and a refused one takes none", () => {
  const { open } = gateFor([]);
  const first = open("192.0.2.1");
  open("192.0.2.1");
  assert.equal(open("192.0.2.1").isIn, false);
  first.close();
  assert.equal(open("192.0.2.1").isIn, true);
  assert.equal(open("192.0.2.1").isIn, false);
});

test("a flood makes one line of the log a minute, which counts", () => {
  const { open, log, clock } = gateFor([]);
  for (let count = 0; count < 50; count += 1) open("192.0.2.1");
  assert.equal(log.length, 1);
  clock.advance(60_000);
  open("192.0.2.1");
  assert.match(log[1] ?? "", /"limit":"server\.connections\.per_address".*"refused":48/);
});
