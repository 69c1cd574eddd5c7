import { randomBytes } from "node:crypto";
import { type Profile, SAML, ValidateInResponseTo } from "@node-saml/node-saml";
import { realWorld } from "../../../src/app/index.ts";
import { makeSamlKey, type SamlKey } from "../../../src/keys/index.ts";

/** A service provider on node-saml that demands signatures on response and assertion. */
export interface NodeSamlSp {
  readonly entityId: string;
  readonly acs: string;
  readonly slo: string;
  readonly key: SamlKey;
  readonly saml: SAML;
  readonly metadata: string;
  /** Address of a signed AuthnRequest over Redirect. */
  loginUrl(relayState?: string, options?: object): Promise<string>;
  /** What node-saml reads out of a posted response; rejects when it does not believe it. */
  profileOf(response: string): Promise<Profile>;
}

export interface NodeSamlOptions {
  readonly issuer: string;
  readonly idpCertificate: string;
  readonly origin?: string;
  readonly more?: object;
  /** The binding its metadata names for logout. */
  readonly logout?: "Redirect" | "POST";
}

const keys = new Map<string, Promise<SamlKey>>();

/** Keys are made once for a test file: they cost a tenth of a second. */
export function testKey(name: string): Promise<SamlKey> {
  const known = keys.get(name) ?? makeSamlKey(realWorld(), name);
  keys.set(name, known);
  return known;
}

export async function nodeSamlSp({
  issuer,
  idpCertificate,
  origin = "http://127.0.0.1:9",
  more = {},
  logout = "Redirect",
}: NodeSamlOptions): Promise<NodeSamlSp> {
  const key = await testKey("sp");
  const entityId = `${origin}/metadata`;
  const [acs, slo] = [`${origin}/acs`, `${origin}/slo`];
  const saml = new SAML({
    issuer: entityId,
    callbackUrl: acs,
    logoutCallbackUrl: slo,
    entryPoint: `${issuer}/saml/sso`,
    logoutUrl: `${issuer}/saml/slo`,
    idpIssuer: `${issuer}/saml/metadata`,
    idpCert: idpCertificate,
    privateKey: key.privateKey,
    publicCert: key.certificate,
    decryptionPvk: key.privateKey,
    signatureAlgorithm: "sha256",
    digestAlgorithm: "sha256",
    identifierFormat: null,
    disableRequestedAuthnContext: true,
    wantAuthnResponseSigned: true,
    wantAssertionsSigned: true,
    validateInResponseTo: ValidateInResponseTo.always,
    generateUniqueId: () => `_${randomBytes(16).toString("hex")}`,
    ...more,
  });
  return {
    entityId,
    acs,
    slo,
    key,
    saml,
    // node-saml names the POST binding for logout, and takes Redirect as well.
    metadata: saml
      .generateServiceProviderMetadata(key.certificate, key.certificate)
      .replace(/(<SingleLogoutService Binding="[^"]*:bindings:)HTTP-POST/, `$1HTTP-${logout}`),
    loginUrl: (relayState = "", options = {}) => saml.getAuthorizeUrlAsync(relayState, undefined, options),
    async profileOf(response) {
      const { profile } = await saml.validatePostResponseAsync({ SAMLResponse: response });
      if (profile === null) throw new Error("no profile");
      return profile;
    },
  };
}
