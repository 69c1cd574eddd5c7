import { timingSafeEqual } from "node:crypto";
import { type Random, Secret } from "../kernel/index.ts";

/** How many codes a set has. */
export const CODES_IN_SET = 10;
/** Crockford's base 32: no letter that looks like a digit. */
const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

/** A fresh set: 60 random bits each, in three groups. */
export function newRecoveryCodes(random: Random): readonly Secret[] {
  return Array.from({ length: CODES_IN_SET }, () => {
    const letters = [...random.bytes(12)].map((byte) => ALPHABET[byte % 32]).join("");
    return new Secret(`${letters.slice(0, 4)}-${letters.slice(4, 8)}-${letters.slice(8)}`);
  });
}

/** A code of ours as it was meant: case, spaces and dashes do not matter, and neither does o for 0 or l for 1. */
export function canonicalCode(typed: string): string {
  return typed
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[\s\p{Pd}_.]/gu, "")
    .replaceAll("o", "0")
    .replaceAll(/[il]/g, "1");
}

/**
 * Whether a typed code is a stored one. Ours are compared as they were meant, those other systems made (mixed case, any
 * alphabet) letter by letter; always in constant time.
 */
export function isSameCode(stored: Secret, typed: string): boolean {
  const kept = stored.expose();
  const isOurs = /^[0-9a-hjkmnp-tv-z]{4}(?:-[0-9a-hjkmnp-tv-z]{4}){2}$/.test(kept);
  return isOurs ? equals(canonicalCode(kept), canonicalCode(typed)) : equals(kept, typed.trim());
}

function equals(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}
