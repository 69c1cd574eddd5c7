import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestHandler } from "express";
import { IdpError } from "../kernel/index.ts";

/** Bytes of a body that nobody here reads to its end: the largest form is far below. */
const BODY_LIMIT = 1_048_576;

/**
 * Answers whether nothing is wrong with the form of a request: nothing that two programs behind each other could read differently (RFC 9112
 * section 11.2) or that is for proxies only. Node's parser refuses the rest before any handler runs.
 */
export function isWellFormed(req: IncomingMessage): boolean {
  return oddity(req) === undefined && !isHuge(req);
}

/** A body that is still coming when its answer is out ends the connection. */
export function closeUnread(req: IncomingMessage, res: ServerResponse): void {
  res.once("finish", () => {
    if (isUnread(req)) req.socket.destroySoon();
  });
}

/**
 * Refuses what is not well-formed, and closes its connection.
 * @throws IdpError REQUEST_REFUSED, BODY_TOO_LARGE
 */
export function requestShape(): RequestHandler {
  return (req, res, next) => {
    if (isWellFormed(req)) {
      closeUnread(req, res);
      return next();
    }
    res.set("Connection", "close");
    const because = oddity(req);
    next(because === undefined ? new IdpError("BODY_TOO_LARGE") : new IdpError("REQUEST_REFUSED", { because }));
  };
}

function isHuge({ headers }: IncomingMessage): boolean {
  return Number(headers["content-length"] ?? 0) > BODY_LIMIT;
}

/** Whether a part of the body did not come yet. */
export function isUnread({ complete, headers }: IncomingMessage): boolean {
  return !complete && (Number(headers["content-length"] ?? 0) > 0 || headers["transfer-encoding"] !== undefined);
}

/** What is wrong with the form of a request, if anything. */
function oddity({ url = "", httpVersion, headers, rawHeaders }: IncomingMessage): string | undefined {
  if (!url.startsWith("/")) return "the request target is not a path";
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return "the HTTP version is neither 1.1 nor 1.0";
  if (headers.upgrade !== undefined) return "another protocol was asked for";
  if ((headers["transfer-encoding"] ?? "chunked").toLowerCase() !== "chunked")
    return "the transfer coding is not chunked alone";
  // Node keeps the first of several and forgets the others.
  const hosts = rawHeaders.filter((name, at) => at % 2 === 0 && /^host$/i.test(name));
  return hosts.length > 1 ? "there is more than one Host header" : undefined;
}
