import type { AllClientMetadata } from "oidc-provider";
import type { Config } from "../config/index.ts";
import type { AccessRule } from "../login/index.ts";
import type { ClientClaims } from "./claims.ts";

type ClientConfig = Config["oidc"]["clients"][number];

/** The registered clients, as configuration has them. */
export interface OidcClients {
  /** RFC 7591 metadata for oidc-provider, which validates it. */
  metadata(clientId: string): AllClientMetadata | undefined;
  rule(clientId: string | undefined): AccessRule;
  claims(clientId: string | undefined): ClientClaims | undefined;
  skipsConsent(clientId: string): boolean;
  /** The name people know the client by; never its id where it has a name. */
  name(clientId: string): string;
  allClaims(): readonly ClientClaims[];
  redirectUris(clientId: string): readonly string[];
}

const OWN_KEYS: ReadonlySet<string> = new Set(["skip_consent", "allow_groups", "claims", "client_secret"]);
const EVERYBODY: AccessRule = { allow_groups: [] };

export function createOidcClients(clients: readonly ClientConfig[]): OidcClients {
  const byId = new Map(clients.map((client) => [client.client_id, client]));
  const metadata = new Map(clients.map((client) => [client.client_id, metadataOf(client)]));
  const find = (id: string | undefined): ClientConfig | undefined => (id === undefined ? undefined : byId.get(id));
  return {
    metadata: (id) => metadata.get(id),
    rule: (id) => find(id) ?? EVERYBODY,
    claims: (id) => find(id)?.claims,
    skipsConsent: (id) => find(id)?.skip_consent ?? false,
    name: (id) => find(id)?.client_name ?? id,
    allClaims: () => clients.map((client) => client.claims),
    redirectUris: (id) => find(id)?.redirect_uris ?? [],
  };
}

function metadataOf(client: ClientConfig): AllClientMetadata {
  const standard = Object.entries(client).filter(([key, value]) => !OWN_KEYS.has(key) && value !== undefined);
  const secret = client.client_secret === undefined ? {} : { client_secret: client.client_secret.expose() };
  return { ...Object.fromEntries(standard), ...secret };
}
