import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { RedisGrant } from "./grant.ts";

const CIPHER = "aes-256-gcm";
const NONCE = 12;
const TAG = 16;

/** Base64 of nonce, text and tag. @throws Error where the pool has no secret: nothing is kept in clear by accident. */
export function encrypt(grant: RedisGrant, bytes: string): string {
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv(CIPHER, keyOf(grant), nonce);
  const text = Buffer.concat([cipher.update(bytes, "latin1"), cipher.final()]);
  return Buffer.concat([nonce, text, cipher.getAuthTag()]).toString("base64");
}

/** @throws Error for anything {@link encrypt} did not make with this secret. */
export function decrypt(grant: RedisGrant, sealed: string): string {
  const key = keyOf(grant);
  const bytes = Buffer.from(sealed, "base64");
  try {
    const decipher = createDecipheriv(CIPHER, key, bytes.subarray(0, NONCE), { authTagLength: TAG });
    decipher.setAuthTag(bytes.subarray(-TAG));
    return Buffer.concat([decipher.update(bytes.subarray(NONCE, -TAG)), decipher.final()]).toString("latin1");
  } catch {
    throw new Error("the value was not encrypted with the encryption_secret of this pool");
  }
}

function keyOf({ encryption_secret: secret }: RedisGrant): Buffer {
  if (secret === undefined) throw new Error("the pool has no encryption_secret in allow.redis of this backend");
  return Buffer.from(hkdfSync("sha256", secret.expose(), "", "values in Redis", 32));
}
