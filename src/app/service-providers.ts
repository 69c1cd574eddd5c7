import type { Config } from "../config/index.ts";
import type { SpEntry, SpSettings } from "../saml/index.ts";

type Entry = NonNullable<Config["saml"]>["service_providers"][number];

/** What holds for providers that say nothing else. */
type Mfa = Pick<Config["mfa"], "require_mfa" | "supported_mfa">;

/** The operator's entries in the words of the SAML folder. */
export function serviceProviders(entries: readonly Entry[], mfa: Mfa): readonly SpEntry[] {
  return entries.map((entry) => {
    const settings = settingsOf(entry, mfa);
    if (entry.metadata !== undefined) return { kind: "metadata", source: entry.metadata, name: entry.name, settings };
    const entityId = entry.entity_id ?? "";
    return {
      kind: "written",
      provider: {
        entityId,
        name: entry.name ?? (URL.canParse(entityId) ? new URL(entityId).host || entityId : entityId),
        acs: entry.acs.map((url, index) => ({ url, index, isDefault: index === 0 })),
        slo: entry.slo.map(({ binding, url, response_url }) => ({ binding, url, responseUrl: response_url ?? url })),
        signsRequests: false,
        settings,
      },
      certificates: entry.certificates,
    };
  });
}

function settingsOf(entry: Entry, mfa: Mfa): SpSettings {
  return {
    attributes: Object.fromEntries(
      Object.entries(entry.attributes).map(([key, { name, name_format, friendly_name }]) => [
        key,
        { name, nameFormat: name_format, friendlyName: friendly_name },
      ]),
    ),
    nameId: entry.name_id,
    requireSignedRequests: entry.require_signed_requests,
    signResponse: entry.sign_response,
    signAssertion: entry.sign_assertion,
    encryptAssertion: entry.encrypt_assertion,
    idpInitiated: entry.idp_initiated,
    allowGroups: entry.allow_groups,
    home: entry.home,
    policy: { policy: entry.require_mfa ?? mfa.require_mfa, methods: entry.supported_mfa ?? mfa.supported_mfa },
  };
}
