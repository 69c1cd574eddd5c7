import type { Config } from "../config/index.ts";
import { createClaimRules, type Oidc, type OidcClients } from "../oidc/index.ts";
import type { Saml } from "../saml/index.ts";
import type { LivePart } from "./live-config.ts";
import { serviceProviders } from "./service-providers.ts";

/** OpenID Connect clients, also those of client files. */
export function liveClients({
  config,
  clients,
  oidc,
}: {
  readonly config: Config;
  readonly clients: OidcClients;
  readonly oidc: Oidc;
}): LivePart {
  return {
    name: "OpenID Connect clients",
    pick: (next) => next.oidc.clients,
    apply(next) {
      clients.replace(next.oidc.clients);
      oidc.renew({ claims: createClaimRules(config.oidc, clients.allClaims()) });
    },
  };
}

/** SAML service providers. Switching SAML on or off needs a restart. */
export function liveProviders({
  config,
  saml,
}: {
  readonly config: Config;
  readonly saml: Saml | undefined;
}): LivePart {
  return {
    name: "SAML service providers",
    pick: (next) => next.saml?.service_providers ?? [],
    apply: (next) => saml?.replace(serviceProviders(next.saml?.service_providers ?? [], config.mfa)),
  };
}
