/**
 * Everything that touches oidc-provider: its configuration, storage adapter, accounts and claims, its side of the sign-in.
 * oidc-provider is configured, never patched. Nobody else imports it.
 */
export { createAdapterFactory } from "./adapter.ts";
export { createClaimRules } from "./claims.ts";
export { createOidcClients, type OidcClients } from "./clients.ts";
export type { DevicePages } from "./device.ts";
export type { ErrorPage } from "./errors.ts";
export { createConsents } from "./grants.ts";
export { forgetSessions } from "./leave.ts";
export type { LogoutPages } from "./logout.ts";
export { createOidc, type Oidc } from "./provider.ts";
export { withOauthErrors } from "./store-errors.ts";
