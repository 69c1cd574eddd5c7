import type { IncomingMessage } from "node:http";
import type { RequestHandler } from "express";
import { IdpError } from "../kernel/index.ts";

/** Bytes of a body that nobody here reads to its end: the largest form is far below. */
const BODY_LIMIT = 1_048_576;

/**
 * Refuses, and closes the connection of, what two programs behind each other could read differently (RFC 9112 section 11.2) and what is for
 * proxies only; Node's parser refuses the rest before any handler runs. A body that is still coming when its answer is out ends the
 * connection, too.
 * @throws IdpError REQUEST_REFUSED, BODY_TOO_LARGE
 */
export function requestShape(): RequestHandler {
  return (req, res, next) => {
    const because = oddity(req);
    const isHuge = Number(req.headers["content-length"] ?? 0) > BODY_LIMIT;
    if (because === undefined && !isHuge) {
      res.once("finish", () => {
        if (isUnread(req)) req.socket.destroySoon();
      });
      return next();
    }
    res.set("Connection", "close");
    next(because === undefined ? new IdpError("BODY_TOO_LARGE") : new IdpError("REQUEST_REFUSED", { because }));
  };
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
