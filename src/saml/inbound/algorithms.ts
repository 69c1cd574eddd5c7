import { type KeyObject, sign, verify } from "node:crypto";

interface Algorithm {
  readonly hash: string;
  readonly keyType: "rsa" | "ec";
}

/** Signature algorithms that are believed (RFC 9231). Nothing with SHA-1, MD5 or a shared secret. */
const SIGNATURES: Readonly<Record<string, Algorithm>> = {
  "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256": { hash: "sha256", keyType: "rsa" },
  "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384": { hash: "sha384", keyType: "rsa" },
  "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512": { hash: "sha512", keyType: "rsa" },
  "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256": { hash: "sha256", keyType: "ec" },
  "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384": { hash: "sha384", keyType: "ec" },
  "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512": { hash: "sha512", keyType: "ec" },
};

export const RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

/** Digest algorithms that are believed, with their names here. */
export const DIGESTS: Readonly<Record<string, string>> = {
  "http://www.w3.org/2001/04/xmlenc#sha256": "sha256",
  "http://www.w3.org/2001/04/xmldsig-more#sha384": "sha384",
  "http://www.w3.org/2001/04/xmlenc#sha512": "sha512",
};

export const TRANSFORMS = {
  enveloped: "http://www.w3.org/2000/09/xmldsig#enveloped-signature",
  exclusive: "http://www.w3.org/2001/10/xml-exc-c14n#",
} as const;

export function isSignatureAlgorithm(uri: string): boolean {
  return Object.hasOwn(SIGNATURES, uri);
}

/** Whether any of these keys made the signature. The sender's own words about its key are not looked at. */
export function isSignedByAny(
  keys: readonly KeyObject[],
  uri: string,
  data: Uint8Array,
  signature: Uint8Array,
): boolean {
  const algorithm = Object.hasOwn(SIGNATURES, uri) ? SIGNATURES[uri] : undefined;
  if (algorithm === undefined) return false;
  return keys.some((key) => key.asymmetricKeyType === algorithm.keyType && verifies(algorithm, key, data, signature));
}

function verifies({ hash, keyType }: Algorithm, key: KeyObject, data: Uint8Array, signature: Uint8Array): boolean {
  try {
    // RFC 9231 section 2.3.6: r and s side by side, not ASN.1.
    return verify(hash, data, keyType === "ec" ? { key, dsaEncoding: "ieee-p1363" } : key, signature);
  } catch {
    return false;
  }
}

/** Signs the octets of a Redirect message with RSA-SHA256. */
export function signOctets(key: KeyObject, octets: string): string {
  return sign("sha256", Buffer.from(octets, "utf8"), key).toString("base64");
}
