import type { Oidc, OidcClients } from "../oidc/index.ts";
import type { Applications, ConnectedApp, LaunchableApp } from "../portal/index.ts";
import type { Saml } from "../saml/index.ts";

/** Names of applications in addresses: which protocol, then its own id. */
const idOf = (kind: "oidc" | "saml", id: string): string => `${kind}.${Buffer.from(id).toString("base64url")}`;

/** The applications of both protocols, for the account pages. */
export function createApplications(deps: {
  issuer: string;
  clients: OidcClients;
  connected: Oidc["connected"];
  saml: () => Saml | undefined;
}): Applications {
  const { issuer, clients, connected, saml } = deps;
  const clientOf = (id: string): string | undefined => clients.ids().find((clientId) => idOf("oidc", clientId) === id);
  return {
    launchable: () => [
      ...clients.ids().flatMap((id) => launchableClient(clients, id, issuer)),
      ...(saml()?.launchable() ?? []),
    ],
    async connected(subject) {
      const [own, providers] = await Promise.all([connected.list(subject), saml()?.connected(subject) ?? []]);
      return [
        ...own.map(
          ({ clientId, ...client }): ConnectedApp => ({ ...client, id: idOf("oidc", clientId), isRevocable: true }),
        ),
        ...providers.map(
          ({ entityId, name, since }): ConnectedApp => ({
            id: idOf("saml", entityId),
            name,
            since,
            scopes: [],
            isRevocable: false,
          }),
        ),
      ];
    },
    async revoke(subject, id) {
      const clientId = clientOf(id);
      const isConnected = (await connected.list(subject)).some((client) => client.clientId === clientId);
      if (clientId === undefined || !isConnected) return undefined;
      await connected.revoke(subject, clientId);
      return clients.name(clientId);
    },
    nameOf(clientId, entityId) {
      if (clientId !== "") return clients.name(clientId);
      return entityId === "" ? "" : (saml()?.nameOf(entityId) ?? entityId);
    },
  };
}

/** A client with a page that begins a sign-in (OpenID Connect Core section 4), or one of its own. */
function launchableClient(clients: OidcClients, clientId: string, issuer: string): readonly LaunchableApp[] {
  const config = clients.config(clientId);
  const href =
    config?.initiate_login_uri === undefined ? config?.client_uri : beginAt(config.initiate_login_uri, issuer);
  if (href === undefined) return [];
  const name = clients.name(clientId);
  return [
    {
      name,
      href,
      rule: clients.rule(clientId),
      application: {
        protocol: "oidc",
        oidc_cid: clientId,
        saml_entity_id: "",
        oidc_client_name: config?.client_name ?? "",
        redirect_uri: "",
        requested_scopes: [],
      },
    },
  ];
}

function beginAt(uri: string, issuer: string): string {
  const url = new URL(uri);
  url.searchParams.set("iss", issuer);
  return url.href;
}
