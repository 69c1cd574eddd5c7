import { createHmac } from "node:crypto";
import type { Adapter, AdapterConstructor, AdapterFactory, Client, Configuration, JWKS } from "oidc-provider";
import type { Config } from "../config/index.ts";
import type { Clock } from "../kernel/index.ts";
import { createFindAccount, type FindAccountDeps } from "./account.ts";
import { createCookieSignatures } from "./cookie-signatures.ts";
import { acrValues } from "./demands.ts";
import { type DeviceDeps, deviceFlowFeature } from "./device.ts";
import { createRenderError, type RenderErrorDeps } from "./errors.ts";
import { type Consents, createLoadExistingGrant } from "./grants.ts";
import { type LogoutDeps, logoutFeature } from "./logout.ts";
import { createOutgoingFetch } from "./outgoing.ts";
import { ROUTES } from "./paths.ts";
import { createPolicy, type PolicyDeps } from "./policy.ts";

export interface ConfigurationDeps
  extends FindAccountDeps,
    LogoutDeps,
    RenderErrorDeps,
    DeviceDeps,
    Pick<PolicyDeps, "sessionFacts" | "levels" | "highest"> {
  readonly config: Pick<Config, "oidc" | "login" | "issuer" | "outgoing">;
  readonly adapter: AdapterFactory | AdapterConstructor | ((name: string) => Adapter);
  readonly jwks: JWKS;
  readonly cookieKeys: readonly string[];
  readonly pairwiseSecret: Uint8Array;
  /** 32 bytes behind the nonces of DPoP proofs. */
  readonly dpopSecret: Uint8Array;
  readonly consents: Consents;
  readonly clock: Clock;
}

const seconds = (milliseconds: number): number => Math.max(1, Math.round(milliseconds / 1000));

/** oidc-provider's configuration: its unsafe or unwanted defaults switched off, every page and decision ours. */
export function providerConfiguration(deps: ConfigurationDeps): Configuration {
  const { config, claims } = deps;
  const isSecure = config.issuer.startsWith("https:");
  return {
    adapter: deps.adapter,
    jwks: deps.jwks,
    routes: ROUTES,
    scopes: [...claims.scopes],
    claims: Object.fromEntries(Object.entries(claims.byScope).map(([scope, names]) => [scope, [...names]])),
    acrValues: [...acrValues(deps.highest())],
    subjectTypes: ["public", "pairwise"],
    pairwiseIdentifier: (_ctx, accountId, client) => pairwise(deps.pairwiseSecret, sectorOf(client), accountId),
    findAccount: createFindAccount(deps),
    loadExistingGrant: createLoadExistingGrant(deps),
    interactions: {
      policy: createPolicy({ ...deps, absolute: config.login.session.absolute }),
      url: (_ctx, interaction) => `/login/oidc/${interaction.uid}`,
    },
    cookies: {
      keys: createCookieSignatures(deps.cookieKeys),
      names: isSecure
        ? {
            session: "__Host-moonlatch_session",
            interaction: "__Secure-moonlatch_interaction",
            resume: "__Secure-moonlatch_resume",
          }
        : { session: "moonlatch_session", interaction: "moonlatch_interaction", resume: "moonlatch_resume" },
      long: { signed: true, httpOnly: true, sameSite: "lax", secure: isSecure, path: "/" },
      short: { signed: true, httpOnly: true, sameSite: "lax", secure: isSecure },
    },
    clientAuthMethods: ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
    // No page of another origin reads what an endpoint answers.
    clientBasedCORS: () => false,
    pkce: { required: () => true },
    allowOmittingSingleRegisteredRedirectUri: false,
    conformIdTokenClaims: true,
    clientDefaults: { grant_types: ["authorization_code"], response_types: ["code"] },
    responseTypes: ["code"],
    rotateRefreshToken: true,
    issueRefreshToken: (_ctx, client, code) =>
      client.grantTypeAllowed("refresh_token") && code.scopes.has("offline_access"),
    clockTolerance: 15,
    ttl: ttls(config),
    features: {
      devInteractions: { enabled: false },
      claimsParameter: { enabled: true },
      introspection: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      userinfo: { enabled: true },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: logoutFeature(deps),
      deviceFlow: deviceFlowFeature(deps),
      dPoP: { enabled: true, nonceSecret: Buffer.from(deps.dpopSecret) },
      pushedAuthorizationRequests: { enabled: true },
      resourceIndicators: { enabled: false },
    },
    renderError: createRenderError(deps),
    fetch: createOutgoingFetch(config.outgoing.allow),
  };
}

/** Seconds. A session without "Stay signed in" ends with the browser or after the idle time, a remembered one after `remember`. */
function ttls({ oidc, login }: Pick<Config, "oidc" | "login">): NonNullable<Configuration["ttl"]> {
  return {
    AccessToken: seconds(oidc.ttl.access_token),
    AuthorizationCode: seconds(oidc.ttl.code),
    DeviceCode: 600,
    IdToken: seconds(oidc.ttl.id_token),
    RefreshToken: seconds(oidc.ttl.refresh_token),
    Grant: seconds(Math.max(oidc.ttl.refresh_token, login.session.absolute)),
    Interaction: seconds(login.attempt),
    Session: (_ctx, session) =>
      seconds(
        session.accountId === undefined || session.transient === true ? login.session.idle : login.session.remember,
      ),
  };
}

function sectorOf(client: Client): string {
  const sector = client["sectorIdentifier"];
  return typeof sector === "string" ? sector : client.clientId;
}

/** OpenID Connect Core section 8.1: not reversible, and different for every sector. */
function pairwise(secret: Uint8Array, sector: string, accountId: string): string {
  return createHmac("sha256", secret).update(`${sector}\0${accountId}`).digest("base64url");
}
