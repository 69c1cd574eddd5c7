import type { IncomingMessage, ServerResponse } from "node:http";
import type { RequestHandler } from "express";
import { IdpError } from "../kernel/index.ts";

const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/** Gives an answer the headers that every answer carries. A page may tighten them afterwards. */
export function securityHeaders({ issuer }: { issuer: string }): (req: IncomingMessage, res: ServerResponse) => void {
  const headers = Object.entries({
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
    "X-Robots-Tag": "noindex",
    ...(issuer.startsWith("https:") ? { "Strict-Transport-Security": "max-age=31536000" } : {}),
  });
  return ({ url = "" }, res) => {
    for (const [name, value] of headers) res.setHeader(name, value);
    // An application may open the sign-in in a popup; cut off from its opener it could never report back.
    if (!url.startsWith("/login/") && !url.startsWith("/oidc/"))
      res.setHeader("Cross-Origin-Opener-Policy", "same-origin");
  };
}

/** Answers whether a request is for the issuer's own Host: oidc-provider builds addresses from it, so a foreign one would end up in metadata. */
export function ownHost(issuer: string): (req: IncomingMessage) => boolean {
  const { host } = new URL(issuer);
  return (req) => req.headers.host?.toLowerCase() === host;
}

/** @throws IdpError HOST_UNKNOWN (421) */
export function hostGate(issuer: string): RequestHandler {
  const isOwn = ownHost(issuer);
  return (req, _res, next) => next(isOwn(req) ? undefined : new IdpError("HOST_UNKNOWN"));
}
