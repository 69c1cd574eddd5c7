import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { failure, type Result, success } from "../kernel/index.ts";

export interface ListenProblem {
  readonly host: string;
  readonly port: number;
  /** A sentence for the operator: what is wrong and what would be right. */
  readonly message: string;
}

export interface Listening {
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
  /** Stops accepting, lets running requests finish, and resolves at the latest after `deadline` milliseconds. */
  close(deadline: number): Promise<void>;
}

/** Opens every configured address, or none. */
export async function listen(
  handler: RequestListener,
  at: readonly { readonly host: string; readonly port: number }[],
): Promise<Result<Listening, ListenProblem>> {
  const servers: Server[] = [];
  for (const address of at) {
    const opened = await open(handler, address);
    if (!opened.ok) {
      await closeAll(servers, 0);
      return opened;
    }
    servers.push(opened.value);
  }
  const addresses = servers.map((server) => ({
    host: (server.address() as AddressInfo).address,
    port: (server.address() as AddressInfo).port,
  }));
  return success({ addresses, close: (deadline) => closeAll(servers, deadline) });
}

/** Timeouts against slow sockets: Node's defaults let 300 dribbling sockets stay for over a minute. */
function limitedServer(handler: RequestListener): Server {
  const server = createServer({ connectionsCheckingInterval: 5_000, maxHeaderSize: 16_384 }, handler);
  server.headersTimeout = 10_000;
  server.requestTimeout = 30_000;
  server.keepAliveTimeout = 5_000;
  server.maxConnections = 10_000;
  return server;
}

function open(
  handler: RequestListener,
  { host, port }: { host: string; port: number },
): Promise<Result<Server, ListenProblem>> {
  const server = limitedServer(handler);
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      resolve(failure({ host, port, message: explain(error, host, port) })),
    );
    server.listen(port, host, () => resolve(success(server)));
  });
}

function explain(error: NodeJS.ErrnoException, host: string, port: number): string {
  const known: Readonly<Record<string, string>> = {
    EADDRINUSE: `Port ${port} on ${host} is taken by another program. Stop that program, or set another port in server.listen (and in issuer).`,
    EACCES: `Port ${port} on ${host} may not be opened by this user. Choose a port above 1023, or put a proxy in front.`,
    EADDRNOTAVAIL: `${host} is not an address of this machine. Correct server.listen.`,
  };
  return known[error.code ?? ""] ?? `${host}:${port} could not be opened (${error.code ?? "unknown reason"}).`;
}

async function closeAll(servers: readonly Server[], deadline: number): Promise<void> {
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          const timer = setTimeout(() => server.closeAllConnections(), deadline);
          server.close(() => {
            clearTimeout(timer);
            resolve();
          });
          server.closeIdleConnections();
        }),
    ),
  );
}
