import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import express, { type Request, type RequestHandler } from "express";
import {
  brandCss,
  createErrorHandler,
  createPages,
  hostGate,
  loadAssets,
  notFound,
  securityHeaders,
} from "../../../src/http/index.ts";
import type { Clock } from "../../../src/kernel/index.ts";
import { createLogger } from "../../../src/telemetry/index.ts";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

export interface Edge extends AsyncDisposable {
  readonly log: readonly string[];
  ask(path: string, init?: Ask): Promise<Answer>;
  /** Sends bytes as they are, hangs up when told to, and gives what came back. */
  raw(text: string, init?: { readonly hangUp: boolean }): Promise<string>;
}

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
}

export const ISSUER = "https://id.example.org";
const NOON: Clock = { now: () => Date.UTC(2026, 0, 2, 12), monotonic: () => 0, sleep: () => Promise.resolve() };

/** The kit around the given handlers, on a free loopback port, addressed as the issuer's host. */
export async function startEdge(handlers: readonly RequestHandler[], viewsRoot = "views"): Promise<Edge> {
  const log: string[] = [];
  const logger = createLogger({ level: "debug", format: "json", write: (line) => void log.push(line) });
  const assets = loadAssets("public", { "brand.css": brandCss("#2f5bd0") });
  const ui = { product: "Example ID", languages: ["en", "de"] };
  const pages = createPages({ viewsRoot, assets, ui, links: { help: undefined } });
  const app = express();
  app.disable("x-powered-by");
  app.locals["pages"] = pages;
  const setHeaders = securityHeaders({ issuer: ISSUER });
  app.use((req, res, next) => {
    setHeaders(req, res);
    next();
  });
  app.use(hostGate(ISSUER), assets.router);
  if (handlers.length > 0) app.use(...handlers);
  app.use(
    notFound(),
    createErrorHandler({
      pages,
      logger,
      clock: NOON,
      reference: (req) => ((req as Request).socket.remoteAddress === undefined ? "none" : "ref-1"),
    }),
  );
  const server = app.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    log,
    async ask(path, { method = "GET", headers = {}, body } = {}) {
      const req = request({ host: "127.0.0.1", port, path, method, headers: { host: "id.example.org", ...headers } });
      req.end(body);
      const [res] = (await once(req, "response")) as [
        NodeJS.ReadableStream & { statusCode: number; headers: Answer["headers"] },
      ];
      const chunks: Buffer[] = [];
      for await (const chunk of res) chunks.push(chunk as Buffer);
      return { status: res.statusCode, headers: res.headers, body: Buffer.concat(chunks).toString("utf8") };
    },
    async raw(text, { hangUp } = { hangUp: false }) {
      const socket = connect(port, "127.0.0.1");
      await once(socket, "connect");
      socket.write(text);
      if (hangUp) {
        socket.destroy();
        return "";
      }
      let answer = "";
      for await (const chunk of socket.setEncoding("utf8")) answer += String(chunk);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
