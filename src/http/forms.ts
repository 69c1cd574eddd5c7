import type { NextFunction, Request, RequestHandler, Response } from "express";
import { IdpError } from "../kernel/index.ts";

const LIMIT = 65_536;
const MAX_FIELDS = 100;

/**
 * Reads an urlencoded form into `req.body`: every field once, a single string of valid UTF-8.
 * @param limit bytes of the whole body; 64 KB unless told.
 * @throws IdpError BODY_MALFORMED, BODY_TOO_LARGE
 */
export function formBody(limit = LIMIT): RequestHandler {
  return async (req: Request, _res: Response, next: NextFunction) => {
    req.body = parseForm(await readBody(req, limit));
    next();
  };
}

async function readBody(req: Request, limit: number): Promise<Buffer> {
  const type = (req.headers["content-type"] ?? "").split(";", 1)[0]?.trim().toLowerCase();
  if (type !== "application/x-www-form-urlencoded" || req.headers["content-encoding"] !== undefined) {
    throw new IdpError("BODY_MALFORMED", { because: "a form must be application/x-www-form-urlencoded" });
  }
  if (Number(req.headers["content-length"] ?? 0) > limit) throw new IdpError("BODY_TOO_LARGE");
  const chunks: Buffer[] = [];
  let length = 0;
  try {
    // Left open when it is too much: a destroyed request has no socket, and the log wants the sender's address.
    for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      length += chunk.length;
      if (length > limit) throw new IdpError("BODY_TOO_LARGE");
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof IdpError) throw error;
    throw new IdpError("BODY_MALFORMED", { because: "the body ended early" });
  }
  return Buffer.concat(chunks);
}

/** Pure. @throws IdpError BODY_MALFORMED */
export function parseForm(body: Uint8Array): Readonly<Record<string, string>> {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  const pairs = Buffer.from(body)
    .toString("latin1")
    .split("&")
    .filter((pair) => pair !== "");
  if (pairs.length > MAX_FIELDS) throw new IdpError("BODY_MALFORMED", { because: "too many fields" });
  for (const pair of pairs) {
    const split = pair.indexOf("=");
    const name = decode(split === -1 ? pair : pair.slice(0, split));
    if (name in fields) throw new IdpError("BODY_MALFORMED", { because: "a field is there twice" });
    fields[name] = split === -1 ? "" : decode(pair.slice(split + 1));
  }
  return fields;
}

function decode(text: string): string {
  try {
    // A raw byte above 127 is not urlencoded; escaping it makes it count as the octet it is.
    return decodeURIComponent(
      text.replaceAll("+", " ").replaceAll(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16)}`),
    );
  } catch {
    throw new IdpError("BODY_MALFORMED", { because: "a field is not valid UTF-8" });
  }
}

/** Refuses POSTs that another site's page sent. @throws IdpError CROSS_SITE_POST */
export function sameOriginPost(issuer: string): RequestHandler {
  return (req, _res, next) => {
    if (req.method !== "POST") return next();
    const { origin } = req.headers;
    const site = req.headers["sec-fetch-site"];
    // "null" comes with no-referrer pages and sandboxed frames; only Sec-Fetch-Site can then say that it is ours.
    const isOurs =
      origin === undefined
        ? site === undefined || site === "same-origin"
        : origin === issuer || (origin === "null" && site === "same-origin");
    if (!isOurs || (site !== undefined && site !== "same-origin" && site !== "none"))
      return next(new IdpError("CROSS_SITE_POST"));
    next();
  };
}
