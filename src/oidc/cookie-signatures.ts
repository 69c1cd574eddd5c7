import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";

/** What oidc-provider needs to sign cookies: the part of Keygrip its cookie library calls. */
export interface CookieSignatures {
  readonly sign: (data: string) => string;
  /** Which key made the signature, `-1` for none. */
  readonly index: (data: string, signature: string) => number;
  readonly verify: (data: string, signature: string) => boolean;
}

/**
 * Signs cookies with the first key and accepts signatures of each: HMAC-SHA256, where the library's own signer has SHA-1 and spends
 * 20 times as long on comparing. Keys become key objects once, because the runtime takes long to make one of plain bytes.
 */
export function createCookieSignatures(keys: readonly string[]): CookieSignatures {
  const made = keys.map((key) => {
    const secret = createSecretKey(key, "utf8");
    return (data: string): string => createHmac("sha256", secret).update(data).digest("base64url");
  });
  const [first] = made;
  if (first === undefined) throw new Error("cookies need a key");
  const index = (data: string, signature: string): number => {
    const given = Buffer.from(signature);
    return made.findIndex((sign) => {
      const expected = Buffer.from(sign(data));
      return expected.length === given.length && timingSafeEqual(expected, given);
    });
  };
  return { sign: first, index, verify: (data, signature) => index(data, signature) !== -1 };
}
