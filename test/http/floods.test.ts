import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { OIDC, SCRIPT } from "../support/journey.ts";
import { closed, exchange, quietSocket } from "../support/raw-socket.ts";

const MB = 1_048_576;
/** Short, so that the test need not wait as long as operation does. */
const PATIENCE = { headers: 500, request: 1_500, handshake: 500, idle: 5_000, look: 100 };

let idp: TestIdp;
before(async () => {
  idp = await startIdp({ script: SCRIPT, oidc: OIDC, patience: PATIENCE });
});
after(() => idp.stop());

const head = (method: string, path: string, headers: string): string =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost:${idp.port}\r\nContent-Type: application/x-www-form-urlencoded\r\n${headers}\r\n`;

/** Sends pieces as fast as they are taken until the other side has had enough; bytes it took. */
async function pour(first: string, piece: string, limit: number): Promise<number> {
  const socket = quietSocket(idp.port);
  const end = closed(socket);
  socket.write(first);
  while (!socket.closed && socket.bytesWritten < limit) {
    const drained = new Promise((resolve) => socket.once("drain", resolve));
    if (!socket.write(piece)) await Promise.race([end, drained]);
  }
  await end;
  return socket.bytesWritten;
}

const PATHS = [
  ["POST", "/login/oidc/x"],
  ["POST", "/oidc/token"],
  ["POST", "/oidc/authorize"],
  ["POST", "/nothing"],
  ["POST", "/"],
  ["GET", "/"],
  ["GET", "/oidc/jwks"],
  ["GET", "/health/live"],
] as const;

for (const [method, path] of PATHS) {
  test(`${method} ${path} with 50 MB is refused with 413 before they have come`, async () => {
    const first = head(method, path, `Content-Length: ${50 * MB}\r\n`);
    const { statuses, isClosed } = await exchange(idp.port, first);
    assert.deepEqual([statuses, isClosed], [[413], true]);
    const taken = await pour(first, "x".repeat(65_536), 50 * MB);
    assert.ok(taken < 20 * MB, `${taken} bytes were taken`);
  });

  test(`${method} ${path} with chunks that never end is cut off`, async () => {
    const piece = `10000\r\n${"x".repeat(65_536)}\r\n`;
    const taken = await pour(head(method, path, "Transfer-Encoding: chunked\r\n"), piece, 500 * MB);
    assert.ok(taken < 20 * MB, `${taken} bytes were taken`);
  });
}

test("a compressed body is refused without being unpacked", async () => {
  const bomb = gzipSync(Buffer.alloc(10 * MB));
  for (const path of ["/login/oidc/x", "/oidc/token", "/oidc/revoke"]) {
    const headers = `Content-Encoding: gzip\r\nContent-Length: ${bomb.length}\r\nConnection: close\r\n`;
    const { statuses } = await exchange(idp.port, Buffer.concat([Buffer.from(head("POST", path, headers)), bomb]));
    assert.ok([400, 401, 413, 415].includes(statuses[0] ?? 0), `${path}: ${statuses.join()}`);
  }
});

test("16 requests sent in one go are answered in their order, and with 5000 the connection is closed before they cost anything", async () => {
  const ask = (path: string, headers = ""): string =>
    `GET ${path} HTTP/1.1\r\nHost: localhost:${idp.port}\r\n${headers}\r\n`;
  const few = ask("/oidc/jwks") + ask("/nothing").repeat(14) + ask("/oidc/jwks", "Connection: close\r\n");
  assert.deepEqual((await exchange(idp.port, few)).statuses, [200, ...Array.from({ length: 14 }, () => 404), 200]);
  const from = idp.log.length;
  const { isClosed } = await exchange(idp.port, ask("/nothing").repeat(5_000));
  assert.ok(isClosed);
  assert.ok(idp.log.slice(from).filter((line) => line.includes("NOT_FOUND")).length <= 16);
  assert.equal((await fetch(`${idp.issuer}/oidc/jwks`)).status, 200);
});

test("a body that comes byte by byte, and headers that never end, are given up with 408", async () => {
  const started = performance.now();
  const dribbles = [
    head("POST", "/login/oidc/x", "Content-Length: 1000\r\n"),
    head("POST", "/oidc/token", "Content-Length: 1000\r\n"),
    head("POST", "/login/oidc/x", "Transfer-Encoding: chunked\r\n"),
    "GET / HTTP/1.1\r\nX: y",
    "",
  ].map(async (first) => {
    const socket = quietSocket(idp.port);
    let answer = "";
    socket.on("data", (text: Buffer) => (answer += text.toString()));
    socket.write(first);
    const drip = setInterval(() => socket.writable && socket.write(first.includes("chunked") ? "1\r\nx\r\n" : "x"), 50);
    await closed(socket);
    clearInterval(drip);
    return answer;
  });
  const asked = performance.now();
  assert.equal((await fetch(`${idp.issuer}/oidc/jwks`)).status, 200);
  assert.ok(performance.now() - asked < 1_000);
  const answers = await Promise.all(dribbles);
  assert.ok(performance.now() - started < 10 * PATIENCE.request);
  for (const answer of answers) assert.match(answer, /^HTTP\/1\.1 4(?:08|00) /);
  assert.ok(answers.filter((answer) => answer.startsWith("HTTP/1.1 408 ")).length >= 3, answers.join("\n"));
});

/** A provider of its own, with connections that were opened to it. */
async function heldOpen(server: string, count: number, stack: AsyncDisposableStack) {
  const own = await startIdp({ script: SCRIPT, server: `connections: ${server}` });
  stack.defer(() => own.stop());
  const held = Array.from({ length: count }, () => quietSocket(own.port));
  stack.defer(() => held.forEach((socket) => void socket.destroy()));
  await Promise.all(held.map((socket) => new Promise((resolve) => socket.once("connect", resolve))));
  const areOpen = () => held.every((socket) => socket.readyState === "open");
  const ask = () => exchange(own.port, "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  return { own, held, areOpen, ask };
}

test("one address has so many connections and no more, is told in the log, and may open another when one closed", async () => {
  await using stack = new AsyncDisposableStack();
  const { own, held, areOpen, ask } = await heldOpen("{ per_address: 20 }", 20, stack);
  for (let count = 0; count < 3; count += 1) assert.deepEqual((await ask()).statuses, []);
  assert.ok(areOpen());
  const told = own.log.filter((line) => line.includes("server.connections.per_address"));
  assert.equal(told.length, 1);
  assert.match(told[0] ?? "", /"address":"127\.0\.0\.1"/);
  held.pop()?.destroy();
  let statuses: readonly number[] = [];
  for (let tries = 0; tries < 100 && statuses.length === 0; tries += 1) statuses = (await ask()).statuses;
  assert.deepEqual(statuses, [200]);
});

test("a proxy of ours may open as many as all may together", async () => {
  await using stack = new AsyncDisposableStack();
  const server = "{ per_address: 2, total: 10 }, trusted_proxies: [127.0.0.0/8]";
  const { own, areOpen, ask } = await heldOpen(server, 10, stack);
  assert.deepEqual((await ask()).statuses, []);
  assert.ok(areOpen());
  assert.ok(own.log.some((line) => line.includes("server.connections.total")));
});
