import type { Config } from "../config/index.ts";
import type { KeyRing } from "../keys/index.ts";
import { openSaml, type Saml, type SamlDeps } from "../saml/index.ts";
import { fetchText } from "./fetch-text.ts";
import { serviceProviders } from "./service-providers.ts";

type Shared = "sessions" | "highest" | "access" | "facts" | "csrf" | "store" | "audit" | "logger" | "world";

/** SAML as the configuration wants it; `undefined` where it wants none. */
export async function composeSaml({
  config,
  keys,
  ...shared
}: Pick<SamlDeps, Shared> & {
  readonly config: Config;
  readonly keys: Pick<KeyRing, "samlKeys" | "nameIdSecret">;
}): Promise<Saml | undefined> {
  const { issuer, saml, ui, login, mfa } = config;
  if (saml === undefined) return undefined;
  return openSaml({
    ...shared,
    issuer,
    entityId: saml.entity_id ?? `${issuer}/saml/metadata`,
    product: ui.product,
    entries: serviceProviders(saml.service_providers, mfa),
    refreshUrls: saml.metadata_refresh,
    attempt: login.attempt,
    keys: keys.samlKeys,
    nameIdSecret: keys.nameIdSecret,
    levels: mfa.levels,
    fetchText,
  });
}
