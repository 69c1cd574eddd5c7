import { createServer, type RequestListener, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TlsFiles } from "../config/index.ts";
import { failure, type Result, success } from "../kernel/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Certificates } from "./certificates.ts";
import type { ConnectionGate } from "./connections.ts";
import { refuseHandshake, tlsOptions } from "./tls.ts";

export interface ListenProblem {
  readonly host: string;
  readonly port: number;
  /** A sentence for the operator: what is wrong and what would be right. */
  readonly message: string;
}

export interface Listening {
  readonly addresses: readonly ListenAddress[];
  /** Stops accepting, lets running requests finish, and resolves at the latest after `deadline` milliseconds. */
  close(deadline: number): Promise<void>;
}

export interface ListenAddress {
  readonly host: string;
  readonly port: number;
  readonly tls?: TlsFiles | undefined;
}

export interface ListenDeps {
  readonly certificates: Certificates;
  readonly connections: ConnectionGate;
  readonly logger: Logger;
  /** Default: {@link PATIENCE}. */
  readonly patience?: typeof PATIENCE | undefined;
}

/** Milliseconds. Node's defaults let 300 dribbling sockets stay for over a minute. */
const PATIENCE = { headers: 10_000, request: 30_000, handshake: 10_000, idle: 5_000, look: 5_000 };

/** Requests of one connection that wait for their answer. Browsers and proxies send one at a time. */
const PIPELINED = 16;

/** Opens every configured address, or none. */
export async function listen(
  handler: RequestListener,
  at: readonly ListenAddress[],
  deps: ListenDeps,
): Promise<Result<Listening, ListenProblem>> {
  const servers: Server[] = [];
  for (const address of at) {
    const opened = await open(limitedServer(handler, address, deps), address, deps);
    if (!opened.ok) {
      await closeAll(servers, 0, deps);
      return opened;
    }
    servers.push(opened.value);
  }
  const addresses = servers.map((server) => ({
    host: (server.address() as AddressInfo).address,
    port: (server.address() as AddressInfo).port,
  }));
  return success({ addresses, close: (deadline) => closeAll(servers, deadline, deps) });
}

function limitedServer(handler: RequestListener, { tls }: ListenAddress, deps: ListenDeps): Server {
  const { connections, patience = PATIENCE } = deps;
  const server = tls === undefined ? createServer(limits(patience)) : secureServer(tls, deps);
  const waiting = new WeakMap<Socket, number>();
  server.on("request", (req, res) => {
    const { socket } = req;
    const count = (waiting.get(socket) ?? 0) + 1;
    if (count > PIPELINED) socket.destroy();
    if (socket.destroyed) return;
    waiting.set(socket, count);
    res.once("close", () => waiting.set(socket, (waiting.get(socket) ?? 1) - 1));
    // Who goes on asking over an open connection while the program stops is sent to another one.
    if (!server.listening) res.setHeader("Connection", "close");
    handler(req, res);
  });
  server.headersTimeout = patience.headers;
  server.requestTimeout = patience.request;
  server.keepAliveTimeout = patience.idle;
  server.prependListener("connection", (socket) => void connections.admit(socket));
  server.on("connect", refuseTunnel);
  return server;
}

const limits = ({ look }: typeof PATIENCE): ServerOptions => ({
  connectionsCheckingInterval: look,
  maxHeaderSize: 16_384,
});

/** New connections get the pair that is in use then; those that are open keep theirs. */
function secureServer(files: TlsFiles, { certificates, patience = PATIENCE }: ListenDeps): Server {
  const pair = certificates.use(files, (next) => server.setSecureContext(tlsOptions(next)));
  const server = createTlsServer({ ...limits(patience), ...tlsOptions(pair), handshakeTimeout: patience.handshake });
  server.on("tlsClientError", refuseHandshake);
  return server;
}

/** CONNECT asks for a tunnel; without this the connection would close without a word. */
function refuseTunnel(_req: unknown, socket: Duplex): void {
  socket.on("error", () => undefined);
  socket.end("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n");
}

function open(
  server: Server,
  { host, port }: ListenAddress,
  { logger }: ListenDeps,
): Promise<Result<Server, ListenProblem>> {
  return new Promise((resolve) => {
    server.once("error", (error: NodeJS.ErrnoException) =>
      resolve(failure({ host, port, message: explain(error, host, port) })),
    );
    server.listen(port, host, () => {
      // Such as no file descriptor for the next connection: the others go on.
      server.on("error", (cause) => logger.error("A connection could not be accepted.", { cause }));
      resolve(success(server));
    });
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

async function closeAll(servers: readonly Server[], deadline: number, { connections }: ListenDeps): Promise<void> {
  await Promise.all(
    servers.map(
      (server) =>
        new Promise<void>((resolve) => {
          const last = setTimeout(() => connections.endAll(), deadline);
          // Those that finish their request now are idle a moment later.
          const idle = setInterval(() => server.closeIdleConnections(), 100);
          server.close(() => {
            clearTimeout(last);
            clearInterval(idle);
            resolve();
          });
        }),
    ),
  );
}
