import { randomBytes, sign } from "node:crypto";
import { deflateRawSync } from "node:zlib";
import { SignedXml } from "xml-crypto";

export const PROTOCOL = "urn:oasis:names:tc:SAML:2.0:protocol";
export const ASSERTION = "urn:oasis:names:tc:SAML:2.0:assertion";
export const RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const NAMESPACES = `xmlns:samlp="${PROTOCOL}" xmlns:saml="${ASSERTION}"`;

export interface Wanted {
  readonly issuer: string;
  readonly destination: string;
  readonly id?: string;
  readonly instant?: string;
  readonly acs?: string;
  /** More attributes of the root, as markup. */
  readonly attributes?: string;
  /** What stands behind the Issuer. */
  readonly content?: string;
  readonly issuerMarkup?: string;
}

export function newId(): string {
  return `_${randomBytes(16).toString("hex")}`;
}

export function authnRequest(wanted: Wanted): string {
  const {
    issuer,
    destination,
    id = newId(),
    instant = new Date().toISOString(),
    acs,
    attributes = "",
    content = "",
    issuerMarkup,
  } = wanted;
  const address = acs === undefined ? "" : ` AssertionConsumerServiceURL="${acs}"`;
  return `<samlp:AuthnRequest ${NAMESPACES} ID="${id}" Version="2.0" IssueInstant="${instant}" Destination="${destination}"${address}${attributes}>${issuerMarkup ?? `<saml:Issuer>${issuer}</saml:Issuer>`}${content}</samlp:AuthnRequest>`;
}

export function logoutRequest(issuer: string, destination: string, nameId: string, id = newId()): string {
  return `<samlp:LogoutRequest ${NAMESPACES} ID="${id}" Version="2.0" IssueInstant="${new Date().toISOString()}" Destination="${destination}"><saml:Issuer>${issuer}</saml:Issuer><saml:NameID>${nameId}</saml:NameID></samlp:LogoutRequest>`;
}

export function idOf(xml: string): string {
  return / ID="([^"]+)"/.exec(xml)?.[1] ?? "";
}

export interface SignOptions {
  readonly privateKey: string;
  readonly certificate?: string;
  /** What is signed. */
  readonly xpath?: string;
  readonly digest?: string;
  readonly algorithm?: string;
  readonly transforms?: readonly string[];
  readonly canonicalization?: string;
  readonly uri?: string;
}

const EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#";

/** A message with an enveloped signature behind its Issuer. */
export function signXml(xml: string, options: SignOptions): string {
  const {
    privateKey,
    certificate,
    xpath = "/*",
    digest = "http://www.w3.org/2001/04/xmlenc#sha256",
    algorithm = RSA_SHA256,
    transforms = ["http://www.w3.org/2000/09/xmldsig#enveloped-signature", EXCLUSIVE],
    canonicalization = EXCLUSIVE,
    uri,
  } = options;
  const signer = new SignedXml({
    privateKey,
    ...(certificate === undefined ? {} : { publicCert: certificate }),
    signatureAlgorithm: algorithm,
    canonicalizationAlgorithm: canonicalization,
  });
  signer.addReference({
    xpath,
    digestAlgorithm: digest,
    transforms: [...transforms],
    ...(uri === undefined ? {} : { uri, isEmptyUri: uri === "" }),
  });
  signer.computeSignature(xml, {
    prefix: "ds",
    location: { reference: "/*/*[local-name(.)='Issuer']", action: "after" },
  });
  return signer.getSignedXml();
}

export interface Fields {
  readonly [name: string]: string;
}

/** Query of the Redirect binding, unsigned or signed over its own octets. */
export function redirectQuery(
  xml: string | Buffer,
  {
    relayState,
    privateKey,
    parameter = "SAMLRequest",
    algorithm = RSA_SHA256,
    encode = encodeURIComponent,
    hash = "sha256",
  }: {
    relayState?: string;
    privateKey?: string;
    parameter?: string;
    algorithm?: string;
    encode?: (text: string) => string;
    hash?: string;
  } = {},
): string {
  const parts = [`${parameter}=${encode(deflateRawSync(xml).toString("base64"))}`];
  if (relayState !== undefined) parts.push(`RelayState=${encode(relayState)}`);
  if (privateKey === undefined) return parts.join("&");
  parts.push(`SigAlg=${encode(algorithm)}`);
  const octets = parts.join("&");
  return `${octets}&Signature=${encode(sign(hash, Buffer.from(octets), privateKey).toString("base64"))}`;
}

export function postBody(xml: string | Buffer, more: Fields = {}): string {
  return new URLSearchParams({ SAMLRequest: Buffer.from(xml).toString("base64"), ...more }).toString();
}
