import { createHash, timingSafeEqual } from "node:crypto";

/** Names of the schemes: OpenLDAP's and Dovecot's. */
const ALGORITHMS: Readonly<Record<string, string>> = {
  MD5: "md5",
  "LDAP-MD5": "md5",
  "PLAIN-MD5": "md5",
  SHA: "sha1",
  SHA1: "sha1",
  SHA256: "sha256",
  SHA384: "sha384",
  SHA512: "sha512",
};
const SCHEME = /^\{(S?)(MD5|LDAP-MD5|PLAIN-MD5|SHA1?|SHA256|SHA384|SHA512)(\.HEX|\.B64|)\}(.*)$/is;

export function isDigest(stored: string): boolean {
  return SCHEME.test(stored);
}

/**
 * One digest of the password, as in `{SHA256}`, or of password and salt, followed by the salt, as in `{SSHA256}`. In base64 or
 * (`.HEX`, and `{PLAIN-MD5}`) hexadecimal. @throws Error for damaged ones.
 */
export function compareDigest(stored: string, plain: Uint8Array): boolean {
  const [, mark = "", scheme = "", encoding = "", body = ""] = SCHEME.exec(stored) ?? [];
  const name = scheme.toUpperCase();
  const isHex = encoding === "" ? name === "PLAIN-MD5" : encoding.toUpperCase() === ".HEX";
  const bytes = Buffer.from(body, isHex ? "hex" : "base64");
  const hash = createHash(ALGORITHMS[name] ?? "").update(plain);
  const size = createHash(ALGORITHMS[name] ?? "").digest().length;
  if (mark !== "") {
    if (bytes.length <= size) throw new Error("a salted hash without a salt");
    hash.update(bytes.subarray(size));
  } else if (bytes.length !== size) throw new Error(`a hash of {${name}} that is not ${size} bytes long`);
  return timingSafeEqual(hash.digest(), bytes.subarray(0, size));
}
