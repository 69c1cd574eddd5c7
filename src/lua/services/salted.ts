import { createHash, timingSafeEqual } from "node:crypto";

/** `{SSHA}`, `{SSHA256}`, `{SSHA512}`: digest of password and salt, followed by the salt, in base64 or (`.HEX`) hexadecimal. */
export function compareSalted(stored: string, plain: Uint8Array): boolean {
  const [, bits = "", encoding = "", body = ""] = /^\{SSHA(256|512|)(\.HEX|\.B64|)\}(.*)$/is.exec(stored) ?? [];
  const bytes = Buffer.from(body, encoding.toUpperCase() === ".HEX" ? "hex" : "base64");
  const algorithm = bits === "" ? "sha1" : `sha${bits}`;
  const size = { sha1: 20, sha256: 32, sha512: 64 }[algorithm] ?? 0;
  if (bytes.length <= size) throw new Error("a salted hash without a salt");
  const digest = createHash(algorithm).update(plain).update(bytes.subarray(size)).digest();
  return timingSafeEqual(digest, bytes.subarray(0, size));
}
