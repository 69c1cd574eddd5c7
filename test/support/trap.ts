import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface Received {
  readonly method: string;
  readonly path: string;
  readonly body: string;
}

export interface TrapAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Trap {
  /** On localhost, without a path. */
  readonly origin: string;
  readonly received: readonly Received[];
  stop(): void;
}

/**
 * A server on a free loopback port that writes down what reaches it.
 * @param answer decides what comes back; `undefined`: nothing ever does.
 */
export async function startTrap(
  answer: (request: Received) => TrapAnswer | undefined = () => ({ status: 200 }),
): Promise<Trap> {
  const received: Received[] = [];
  const serve = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const request = { method: req.method ?? "", path: req.url ?? "", body: await bodyOf(req) };
    received.push(request);
    const reply = answer(request);
    if (reply !== undefined) res.writeHead(reply.status, reply.headers).end("{}");
  };
  const server = createServer((req, res) => void serve(req, res));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    received,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of req) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}
