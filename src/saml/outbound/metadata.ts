import type { SamlKey } from "../../keys/index.ts";
import { BINDING, NAME_ID, NS } from "../xml/names.ts";
import { textOf, type XmlPart, xml } from "../xml/write.ts";
import { instant } from "./response.ts";

export interface IdpMetadataFacts {
  readonly entityId: string;
  readonly issuer: string;
  readonly product: string;
  readonly id: string;
  /** Every certificate that signs or will sign, the active one first. */
  readonly keys: readonly SamlKey[];
  /** Milliseconds since the epoch. */
  readonly validUntil: number;
}

/** Our own EntityDescriptor (saml-metadata 2.4.3): only what is served. Not signed yet. */
export function idpMetadata({ entityId, issuer, product, id, keys, validUntil }: IdpMetadataFacts): string {
  const both = (name: string, path: string): XmlPart[] =>
    [BINDING.redirect, BINDING.post].map((binding) => xml(`md:${name}`, { Binding: binding, Location: issuer + path }));
  const formats = [NAME_ID.persistent, NAME_ID.transient, NAME_ID.email, NAME_ID.unspecified].map((format) =>
    xml("md:NameIDFormat", {}, textOf(format)),
  );
  return xml(
    "md:EntityDescriptor",
    {
      "xmlns:md": NS.metadata,
      "xmlns:ds": NS.signature,
      entityID: entityId,
      ID: id,
      validUntil: instant(validUntil),
      cacheDuration: "PT6H",
    },
    xml(
      "md:IDPSSODescriptor",
      { WantAuthnRequestsSigned: "false", protocolSupportEnumeration: NS.protocol },
      ...keys.map(keyDescriptor),
      ...both("SingleLogoutService", "/saml/slo"),
      ...formats,
      ...both("SingleSignOnService", "/saml/sso"),
    ),
    xml("md:Organization", {}, ...organization(product, issuer)),
  ).markup;
}

function keyDescriptor({ certificate }: SamlKey): XmlPart {
  const body = certificate.replaceAll(/-----[^-]+-----|\s/g, "");
  return xml(
    "md:KeyDescriptor",
    { use: "signing" },
    xml("ds:KeyInfo", {}, xml("ds:X509Data", {}, xml("ds:X509Certificate", {}, textOf(body)))),
  );
}

function organization(product: string, issuer: string): XmlPart[] {
  const lang = { "xml:lang": "en" };
  return [
    xml("md:OrganizationName", lang, textOf(product)),
    xml("md:OrganizationDisplayName", lang, textOf(product)),
    xml("md:OrganizationURL", lang, textOf(issuer)),
  ];
}
