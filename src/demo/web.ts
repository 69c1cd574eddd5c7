// What both demo applications share: sessions in memory, plain answers, a server that stops.
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { errorPage } from "./application-pages.ts";

/** Where an application is served. */
export interface Place {
  /** The application's own origin. */
  readonly origin: string;
  readonly host: string;
  readonly port: number;
}

const MAX_SESSIONS = 1_000;
/** Bytes of a posted form. */
const LIMIT = 262_144;

/** Serves until the returned function is called. Whatever `answer` throws becomes a page that says only that it did not work. */
export async function serveAt(
  place: Place,
  answer: (req: IncomingMessage, res: ServerResponse) => Promise<void>,
): Promise<() => Promise<void>> {
  const server = createServer((req, res) => {
    answer(req, res).catch((error: unknown) => {
      process.stderr.write(`demo application: ${error instanceof Error ? error.message : "failed"}\n`);
      html(res, 500, errorPage("The sign-in could not be completed."));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(place.port, place.host, resolve);
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

/** The session of this browser, made when there is none. The cookie's name tells two applications on one host apart. */
export function sessionOf<Session extends object>(
  cookie: string,
  sessions: Map<string, Session>,
  req: IncomingMessage,
  res: ServerResponse,
): Session {
  const sent = new RegExp(`(?:^|; )${cookie}=([\\w-]{43})(?:;|$)`).exec(req.headers.cookie ?? "")?.[1];
  const known = sent === undefined ? undefined : sessions.get(sent);
  if (known !== undefined) return known;
  const id = randomBytes(32).toString("base64url");
  const session = {} as Session;
  if (sessions.size >= MAX_SESSIONS) sessions.clear();
  sessions.set(id, session);
  res.setHeader("Set-Cookie", `${cookie}=${id}; HttpOnly; SameSite=Lax; Path=/`);
  return session;
}

export function redirect(res: ServerResponse, to: string): void {
  res.writeHead(303, { Location: to, "Cache-Control": "no-store" }).end();
}

export function html(res: ServerResponse, status: number, body: string): void {
  res
    .writeHead(status, {
      "Content-Type": "text/html; charset=utf-8",
      "Cache-Control": "no-store",
      "Content-Security-Policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    })
    .end(body);
}

/** A posted form as text. @throws Error when it is too large */
export async function bodyOf(req: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > LIMIT) throw new Error("the form is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
