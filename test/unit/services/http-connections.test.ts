import assert from "node:assert/strict";
import { createServer, type Server, type Socket } from "node:net";
import { after, before, test } from "node:test";
import { createHttpService } from "../../../src/lua/services/http-client/index.ts";

const service = createHttpService();
const sockets: Socket[] = [];
let server: Server;
let origin: string;

/** Answers the first request of each connection and drops the connection at the second. */
before(async () => {
  server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
      socket.once("data", () => socket.destroy());
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  origin = `http://localhost:${(server.address() as { port: number }).port}/`;
});
after(() => {
  service.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});

async function send(method: string): Promise<string> {
  const grants = { hosts: ["localhost"] };
  const answers = await service.send(grants, [[method, origin]], new AbortController().signal);
  const [{ body, error } = {}] = answers as unknown as readonly { body?: string; error?: string }[];
  return body ?? error ?? assert.fail();
}

test("a request that only reads is sent again when the kept connection was just closed, another one is not", async () => {
  assert.equal(await send("GET"), "ok");
  assert.equal(await send("GET"), "ok");
  assert.equal(sockets.length, 2);
  assert.match(await send("POST"), /the connection was closed before the answer was complete$/);
  assert.equal(sockets.length, 2);
});
