import { createHash, timingSafeEqual } from "node:crypto";

import { cryptDigits } from "./crypt-text.ts";

/** A second or two. */
const MOST_ROUNDS = 500_000;

/**
 * Compares with a modular crypt hash: `$1$` or Apache's `$apr1$` (MD5), `$5$` (SHA-256) or `$6$` (SHA-512), the latter two as
 * Drepper specified them. @throws Error for over 500 000 rounds.
 */
export function compareCrypt(stored: string, plain: Buffer): boolean {
  const [, kind = "", second = ""] = stored.split("$");
  const rounds = /^rounds=(\d{1,9})$/.exec(second)?.[1];
  const salt = stored.split("$")[rounds === undefined ? 2 : 3] ?? "";
  const expected =
    kind === "1" || kind === "apr1"
      ? md5Crypt(plain, salt, `$${kind}$`)
      : shaCrypt(plain, { bits: kind === "5" ? 256 : 512, salt, rounds });
  const digest = stored.slice(stored.lastIndexOf("$") + 1);
  return digest.length === expected.length && timingSafeEqual(Buffer.from(digest), Buffer.from(expected));
}

const digestOf = (algorithm: string, ...parts: readonly Uint8Array[]): Buffer => {
  const hash = createHash(algorithm);
  for (const part of parts) hash.update(part);
  return hash.digest();
};

/** `source` repeated and cut to `length` bytes. */
function fill(source: Buffer, length: number): Buffer {
  return Buffer.alloc(length, source);
}

/** Bytes from the highest to the lowest. */
function encode(bytes: readonly number[], characters: number): string {
  return cryptDigits(
    bytes.reduce((sum, byte) => sum * 256 + byte, 0),
    characters,
  );
}

function md5Crypt(plain: Buffer, saltText: string, magic: string): string {
  const salt = Buffer.from(saltText.slice(0, 8), "latin1");
  const alternate = digestOf("md5", plain, salt, plain);
  const parts: Buffer[] = [plain, Buffer.from(magic), salt, fill(alternate, plain.length)];
  for (let bits = plain.length; bits > 0; bits >>= 1) parts.push(bits & 1 ? Buffer.from([0]) : plain.subarray(0, 1));
  let digest = digestOf("md5", ...parts);
  for (let round = 0; round < 1000; round += 1) {
    const own = round & 1 ? plain : digest;
    const other = round & 1 ? digest : plain;
    digest = digestOf("md5", own, ...(round % 3 ? [salt] : []), ...(round % 7 ? [plain] : []), other);
  }
  const at = (index: number): number => digest[index] ?? 0;
  const groups = [
    [0, 6, 12],
    [1, 7, 13],
    [2, 8, 14],
    [3, 9, 15],
    [4, 10, 5],
  ].map((group) => encode(group.map(at), 4));
  return groups.join("") + encode([at(11)], 2);
}

interface ShaCrypt {
  readonly bits: 256 | 512;
  readonly salt: string;
  readonly rounds: string | undefined;
}

function shaCrypt(plain: Buffer, { bits, salt: saltText, rounds }: ShaCrypt): string {
  const algorithm = `sha${bits}`;
  const salt = Buffer.from(saltText.slice(0, 16), "latin1");
  const count = rounds === undefined ? 5000 : Math.max(Number(rounds), 1000);
  if (count > MOST_ROUNDS) throw new Error(`a hash with over ${MOST_ROUNDS} rounds`);
  const alternate = digestOf(algorithm, plain, salt, plain);
  const parts: Buffer[] = [plain, salt, fill(alternate, plain.length)];
  for (let left = plain.length; left > 0; left >>= 1) parts.push(left & 1 ? alternate : plain);
  let digest = digestOf(algorithm, ...parts);
  const p = fill(digestOf(algorithm, ...Array.from({ length: plain.length }, () => plain)), plain.length);
  const s = fill(digestOf(algorithm, ...Array.from({ length: 16 + (digest[0] ?? 0) }, () => salt)), salt.length);
  for (let round = 0; round < count; round += 1) {
    const own = round & 1 ? p : digest;
    const other = round & 1 ? digest : p;
    digest = digestOf(algorithm, own, ...(round % 3 ? [s] : []), ...(round % 7 ? [p] : []), other);
  }
  return encodeSha(digest, bits);
}

/** The specification's own order of bytes: three columns that rotate by one each group. */
function encodeSha(digest: Buffer, bits: 256 | 512): string {
  const step = bits === 256 ? 10 : 21;
  const at = (index: number): number => digest[index] ?? 0;
  let text = "";
  let [a, b, c] = [0, step, 2 * step];
  for (let group = 0; group < step; group += 1) {
    text += encode([at(a), at(b), at(c)], 4);
    [a, b, c] = bits === 256 ? [c + 1, a + 1, b + 1] : [b + 1, c + 1, a + 1];
  }
  return text + (bits === 256 ? encode([at(31), at(30)], 3) : encode([at(63)], 2));
}
