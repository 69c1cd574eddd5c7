/** Where oidc-provider's endpoints live below the issuer's origin. */
export const ROUTES = {
  authorization: "/oidc/authorize",
  token: "/oidc/token",
  userinfo: "/oidc/userinfo",
  introspection: "/oidc/introspect",
  revocation: "/oidc/revoke",
  jwks: "/oidc/jwks",
  end_session: "/oidc/logout",
  pushed_authorization_request: "/oidc/par",
  code_verification: "/oidc/device",
  device_authorization: "/oidc/device/auth",
} as const;

const EXACT: ReadonlySet<string> = new Set([
  ...Object.values(ROUTES),
  `${ROUTES.end_session}/confirm`,
  `${ROUTES.end_session}/success`,
  "/.well-known/openid-configuration",
]);

/** RFC 8414 section 3: the same document under the name OAuth clients look for. */
export const OAUTH_METADATA = "/.well-known/oauth-authorization-server";
export const OPENID_METADATA = "/.well-known/openid-configuration";

/** Answers whether oidc-provider serves this path; everything else is our own 404. */
export function isProviderPath(path: string): boolean {
  return EXACT.has(path) || /^\/oidc\/(?:authorize|device)\/[A-Za-z0-9_-]{16,64}$/.test(path);
}
