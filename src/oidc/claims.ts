import type { Config } from "../config/index.ts";
import type { AccessAccount } from "../login/index.ts";

/** Claims of the standard scopes (OpenID Connect Core section 5.4), besides what configuration adds. */
const STANDARD_SCOPES: Readonly<Record<string, readonly string[]>> = {
  profile: [
    "name",
    "family_name",
    "given_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "updated_at",
  ],
  email: ["email", "email_verified"],
  phone: ["phone_number", "phone_number_verified"],
  address: ["address"],
  groups: ["groups"],
};

/** Claims about the sign-in itself; every ID token carries them, true ones. */
const TOKEN_CLAIMS = ["sub", "acr", "amr", "auth_time"] as const;

/** claim name -> backend attribute */
type ClaimMap = Readonly<Record<string, string>>;
export interface ClientClaims {
  readonly id_token: ClaimMap;
  readonly userinfo: ClaimMap;
  readonly access_token: ClaimMap;
}

export interface ClaimRules {
  /** oidc-provider's `claims` setting: the most each scope may release. */
  readonly byScope: Readonly<Record<string, readonly string[]>>;
  readonly scopes: readonly string[];
  /** The claims of one account for one use; pure. */
  release(request: ReleaseRequest): Record<string, unknown>;
}

export interface ReleaseRequest {
  readonly account: AccessAccount;
  readonly use: "id_token" | "userinfo" | "access_token";
  readonly scopes: readonly string[];
  /** Names asked for by the `claims` parameter (OpenID Connect Core section 5.5). */
  readonly requested: readonly string[];
  readonly client: ClientClaims | undefined;
}

/** @param clients the claim maps of all clients: their claims must be known to oidc-provider up front. */
export function createClaimRules(
  oidc: Pick<Config["oidc"], "claims" | "scopes">,
  clients: readonly ClientClaims[],
): ClaimRules {
  const byScope: Record<string, readonly string[]> = { ...STANDARD_SCOPES };
  for (const [scope, { claims }] of Object.entries(oidc.scopes)) byScope[scope] = claims;
  const own = clients.flatMap((client) => [...Object.keys(client.id_token), ...Object.keys(client.userinfo)]);
  // oidc-provider drops claims that no granted scope lists; `openid` is always granted, and `release` decides what is there at all.
  byScope["openid"] = [...new Set([...TOKEN_CLAIMS, ...own])];
  const source = (claim: string): string => oidc.claims[claim] ?? claim;

  return {
    byScope,
    scopes: ["openid", "offline_access", ...Object.keys(byScope).filter((scope) => scope !== "openid")],
    release({ account, use, scopes, requested, client }) {
      const claims: Record<string, unknown> = {};
      const ofScopes = scopes.flatMap((scope) => (scope === "openid" ? [] : (byScope[scope] ?? [])));
      for (const claim of new Set([...ofScopes, ...requested]))
        put(claims, claim, valueOf(account, claim, source(claim)));
      for (const [claim, attribute] of Object.entries(client?.[use] ?? {}))
        put(claims, claim, valueOf(account, claim, attribute));
      return claims;
    },
  };
}

function put(claims: Record<string, unknown>, name: string, value: unknown): void {
  if (value !== undefined && name !== "__proto__") claims[name] = value;
}

/** Single values as they are, several as a list; `groups` is always a list. */
function valueOf(account: AccessAccount, claim: string, attribute: string): unknown {
  if (claim === "preferred_username") return account.name;
  if (claim === "groups" && attribute === "groups") return account.groups;
  const values = Object.hasOwn(account.attributes, attribute) ? (account.attributes[attribute] ?? []) : [];
  if (values.length === 0) return claim === "name" ? account.display_name : undefined;
  if (claim.endsWith("_verified")) return values[0] === "true" || values[0] === "1";
  if (claim === "groups") return values;
  return values.length === 1 ? values[0] : values;
}
