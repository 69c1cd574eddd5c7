import type { Provider } from "oidc-provider";
import type { Store } from "../store/index.ts";
import type { OidcClients } from "./clients.ts";
import type { Consents } from "./grants.ts";

/** A client that holds a grant or a remembered consent of a person. */
export interface ConnectedClient {
  readonly clientId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly since: number | undefined;
}

export interface ConnectedClients {
  list(subject: string): Promise<readonly ConnectedClient[]>;
  /** Forgets the consent, and revokes the grants with every token of them. */
  revoke(subject: string, clientId: string): Promise<void>;
}

interface GrantPayload {
  readonly clientId?: string;
  readonly iat?: number;
  readonly openid?: { readonly scope?: string };
}

export function createConnectedClients(deps: {
  provider: Provider;
  store: Store;
  clients: OidcClients;
  consents: Consents;
}): ConnectedClients {
  const { store, clients, consents } = deps;
  const grantsOf = async (subject: string) =>
    (await store.findByIndex("oidc.Grant", "account", subject)).map(({ id, record }) => ({
      id,
      grant: record.value as GrantPayload,
    }));
  return {
    async list(subject) {
      const [grants, remembered] = await Promise.all([grantsOf(subject), consents.list(subject)]);
      const ids = new Set([
        ...grants.map(({ grant }) => grant.clientId ?? ""),
        ...remembered.map(({ clientId }) => clientId),
      ]);
      return [...ids]
        .filter((clientId) => clients.metadata(clientId) !== undefined)
        .map((clientId) => {
          const own = grants.filter(({ grant }) => grant.clientId === clientId).map(({ grant }) => grant);
          const consent = remembered.find((one) => one.clientId === clientId);
          const scopes = [...own.flatMap(({ openid }) => (openid?.scope ?? "").split(" ")), ...(consent?.scopes ?? [])];
          const times = [...own.map(({ iat }) => (iat ?? 0) * 1000), consent?.since ?? 0].filter((at) => at > 0);
          return {
            clientId,
            name: clients.name(clientId),
            scopes: [...new Set(scopes)].filter((scope) => scope !== ""),
            since: times.length === 0 ? undefined : Math.min(...times),
          };
        });
    },
    async revoke(subject, clientId) {
      const { provider } = deps;
      const grants = (await grantsOf(subject)).filter(({ grant }) => grant.clientId === clientId);
      await consents.forget(subject, clientId);
      for (const { id } of grants) {
        await Promise.all(
          [provider.AccessToken, provider.RefreshToken, provider.AuthorizationCode].map((model) =>
            model.revokeByGrantId(id),
          ),
        );
        await (await provider.Grant.find(id))?.destroy();
      }
    },
  };
}
