import type { RequestHandler } from "express";
import { IdpError } from "../kernel/index.ts";

const POLICY =
  "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'";

/** Headers every answer carries. A page may tighten them afterwards. */
export function securityHeaders({ issuer }: { issuer: string }): RequestHandler {
  const headers: Readonly<Record<string, string>> = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "publickey-credentials-get=(self), publickey-credentials-create=(self)",
    "X-Robots-Tag": "noindex",
    ...(issuer.startsWith("https:") ? { "Strict-Transport-Security": "max-age=31536000" } : {}),
  };
  return (req, res, next) => {
    res.set(headers);
    // An application may open the sign-in in a popup; cut off from its opener it could never report back.
    if (!/^\/(?:login|oidc)\//.test(req.path)) res.set("Cross-Origin-Opener-Policy", "same-origin");
    next();
  };
}

/**
 * Serves only the issuer's own Host: oidc-provider builds addresses from it, so a foreign one would end up in metadata.
 * @throws IdpError HOST_UNKNOWN (421)
 */
export function hostGate(issuer: string): RequestHandler {
  const { host } = new URL(issuer);
  return (req, _res, next) => next(req.headers.host?.toLowerCase() === host ? undefined : new IdpError("HOST_UNKNOWN"));
}
