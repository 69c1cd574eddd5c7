import { createHash } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { KoaContextWithOIDC, Provider } from "oidc-provider";
import { OPENID_METADATA, ROUTES } from "./paths.ts";

/** The metadata and the public keys: the same bytes for everybody until the provider is made anew. */
export interface Documents {
  /** Answers from the bytes kept; `false`: not a document, or the library has not been asked for it yet. */
  answer(path: string, req: IncomingMessage, res: ServerResponse): boolean;
}

interface Kept {
  readonly body: Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

const READING: ReadonlySet<string | undefined> = new Set(["GET", "HEAD"]);

/**
 * How long others may keep a document. Metadata changes with a new configuration only. Keys may have to change at once: a cache
 * may hold them, but asks whether they are still the ones (RFC 9111 section 5.2.2.4).
 */
const CACHING: ReadonlyMap<string, string> = new Map([
  [OPENID_METADATA, "public, max-age=300"],
  [ROUTES.jwks, "public, no-cache"],
]);

/** Keeps what the library answers the first time, and gives both its answer and ours a validator (RFC 9110 section 8.8.3). */
export function keepDocuments(provider: Provider): Documents {
  const documents = new Map<string, Kept>();
  provider.use(async (context, next) => {
    await next();
    const ctx = context as unknown as KoaContextWithOIDC;
    const caching = CACHING.get(ctx.path);
    if (caching === undefined || !READING.has(ctx.method) || ctx.status !== 200) return;
    const body = Buffer.from(JSON.stringify(ctx.body));
    const etag = `"${createHash("sha256").update(body).digest("base64url")}"`;
    ctx.set({ "Cache-Control": caching, ETag: etag });
    documents.set(ctx.path, {
      body,
      headers: { "Cache-Control": caching, ETag: etag, "Content-Type": ctx.response.get("Content-Type") },
    });
    if (ctx.fresh) ctx.status = 304;
  });
  return {
    answer(path, req, res) {
      const kept = READING.has(req.method) ? documents.get(path) : undefined;
      if (kept === undefined) return false;
      const isKnown = namesTag(req.headers["if-none-match"], kept.headers["ETag"] ?? "");
      res.setHeaders(new Map(Object.entries(kept.headers)));
      // As the library says it: who asks is let in by name, so that an answer is never another origin's.
      res.setHeader("Vary", "Origin");
      res.setHeader("Access-Control-Allow-Origin", req.headers.origin ?? "*");
      if (isKnown) res.writeHead(304).end();
      else res.writeHead(200, { "Content-Length": kept.body.length }).end(kept.body);
      return true;
    },
  };
}

/** RFC 9110 section 13.1.2; a tag may have been weakened on the way. */
function namesTag(header: string | undefined, etag: string): boolean {
  return header?.split(",").some((tag) => [etag, "*"].includes(tag.trim().replace(/^W\//, ""))) ?? false;
}
