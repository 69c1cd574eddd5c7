import { createHmac, createSecretKey, timingSafeEqual } from "node:crypto";

/** Form tokens: an HMAC over what the form is for, so that a form is good for one browser, one attempt and one step. */
export interface Csrf {
  tokenFor(binding: string): string;
  verify(binding: string, token: string): boolean;
}

export function createCsrf({ key }: { key: Uint8Array }): Csrf {
  // Made once: the runtime takes ten times as long to sign with plain bytes.
  const secret = createSecretKey(key);
  const tokenFor = (binding: string): string => createHmac("sha256", secret).update(binding).digest("base64url");
  return {
    tokenFor,
    verify(binding, token) {
      const expected = Buffer.from(tokenFor(binding));
      const given = Buffer.from(token);
      return given.length === expected.length && timingSafeEqual(given, expected);
    },
  };
}
