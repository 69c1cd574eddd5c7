import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";

export interface WebServer {
  readonly port: number;
  /** Connections that were made so far. */
  readonly connections: () => number;
  close(): Promise<void>;
}

/** Serves on a free port of loopback, over TLS when there is a pair. */
export async function startWebServer(
  handler: RequestListener,
  pair?: { readonly key: string; readonly certificate: string },
): Promise<WebServer> {
  const server =
    pair === undefined ? createServer(handler) : createTlsServer({ key: pair.key, cert: pair.certificate }, handler);
  let connections = 0;
  server.on("connection", () => (connections += 1));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => connections,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** The whole body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
