import type { AllClientMetadata } from "oidc-provider";
import type { Config } from "../config/index.ts";
import type { AccessRule } from "../login/index.ts";
import type { ClientClaims } from "./claims.ts";
import type { ClientPolicy } from "./demands.ts";

type ClientConfig = Config["oidc"]["clients"][number];

/** The registered clients, as configuration has them. */
export interface OidcClients {
  /** RFC 7591 metadata for oidc-provider, which validates it. */
  metadata(clientId: string): AllClientMetadata | undefined;
  rule(clientId: string | undefined): AccessRule;
  /** How strongly people have to prove who they are. */
  policy(clientId: string | undefined): ClientPolicy;
  /** Every client, for the list of applications. */
  ids(): readonly string[];
  config(clientId: string): ClientConfig | undefined;
  claims(clientId: string | undefined): ClientClaims | undefined;
  skipsConsent(clientId: string): boolean;
  /** The name people know the client by; never its id where it has a name. */
  name(clientId: string): string;
  allClaims(): readonly ClientClaims[];
  /** Other clients from now on. */
  replace(clients: readonly ClientConfig[]): void;
  redirectUris(clientId: string): readonly string[];
}

const OWN_KEYS: ReadonlySet<string> = new Set([
  "skip_consent",
  "allow_groups",
  "claims",
  "client_secret",
  "require_mfa",
  "supported_mfa",
]);
const EVERYBODY: AccessRule = { allow_groups: [] };

/** @param mfa what holds for clients that say nothing else. */
export function createOidcClients(
  clients: readonly ClientConfig[],
  mfa: Pick<Config["mfa"], "require_mfa" | "supported_mfa">,
): OidcClients {
  const state = { all: indexOf(clients) };
  const find = (id: string | undefined): ClientConfig | undefined =>
    id === undefined ? undefined : state.all.get(id)?.config;
  return {
    metadata: (id) => state.all.get(id)?.metadata,
    rule: (id) => find(id) ?? EVERYBODY,
    policy: (id) => ({
      policy: find(id)?.require_mfa ?? mfa.require_mfa,
      methods: find(id)?.supported_mfa ?? mfa.supported_mfa,
    }),
    ids: () => [...state.all.keys()],
    config: (id) => find(id),
    claims: (id) => find(id)?.claims,
    skipsConsent: (id) => find(id)?.skip_consent ?? false,
    name: (id) => find(id)?.client_name ?? id,
    allClaims: () => [...state.all.values()].map(({ config }) => config.claims),
    replace(next) {
      state.all = indexOf(next);
    },
    redirectUris: (id) => find(id)?.redirect_uris ?? [],
  };
}

type Indexed = ReadonlyMap<string, { readonly config: ClientConfig; readonly metadata: AllClientMetadata }>;

function indexOf(clients: readonly ClientConfig[]): Indexed {
  return new Map(clients.map((client) => [client.client_id, { config: client, metadata: metadataOf(client) }]));
}

function metadataOf(client: ClientConfig): AllClientMetadata {
  const standard = Object.entries(client).filter(([key, value]) => !OWN_KEYS.has(key) && value !== undefined);
  const secret = client.client_secret === undefined ? {} : { client_secret: client.client_secret.expose() };
  // A client of the device flow alone is never sent back to.
  const types = client.grant_types.includes("authorization_code") ? {} : { response_types: [] };
  return { ...Object.fromEntries(standard), ...types, ...secret };
}
