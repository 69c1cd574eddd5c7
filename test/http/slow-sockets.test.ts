import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { SCRIPT } from "../support/journey.ts";

const SOCKETS = 300;

let idp: TestIdp;
before(async () => {
  idp = await startIdp({ script: SCRIPT });
});
after(() => idp.stop());

test("300 sockets that dribble their headers are dropped within 20 seconds, and honest requests are answered meanwhile", async () => {
  const { port } = new URL(idp.issuer);
  const started = performance.now();
  const closed: Promise<number>[] = [];
  const sockets: Socket[] = [];
  for (let count = 0; count < SOCKETS; count += 1) {
    const socket = connect(Number(port), "127.0.0.1");
    socket.on("error", () => undefined).resume();
    socket.write(`GET / HTTP/1.1\r\nHost: localhost:${port}\r\n`);
    closed.push(new Promise((resolve) => socket.once("close", () => resolve(performance.now() - started))));
    sockets.push(socket);
  }
  const dribble = setInterval(() => {
    for (const socket of sockets) if (socket.writable) socket.write("X: y\r\n");
  }, 1_000);
  try {
    const asked = performance.now();
    assert.equal((await fetch(`${idp.issuer}/.well-known/openid-configuration`)).status, 200);
    assert.ok(performance.now() - asked < 2_000);
    assert.ok(Math.max(...(await Promise.all(closed))) < 20_000);
  } finally {
    clearInterval(dribble);
  }
});
