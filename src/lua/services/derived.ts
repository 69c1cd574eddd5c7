import { pbkdf2Sync, scryptSync, timingSafeEqual } from "node:crypto";
import { cryptNumber, cryptText } from "./crypt-text.ts";

/** Shorter digests are damaged ones, and an empty one would match every password. */
const SHORTEST = 16;
const LONGEST = 128;
const MEMORY = 256 * 1024 * 1024;
/** Bytes scrypt may mix, over all its lanes: about three seconds. */
const MIXED = 1024 * 1024 * 1024;
/** Rounds of PBKDF2 over all blocks: about five seconds. */
export const ROUNDS = 10_000_000;

/**
 * Compares with `$scrypt$ln=..,r=..,p=..$salt$digest` or `$pbkdf2[-sha256|-sha512]$rounds$salt$digest`, as passlib writes them
 * (`i=rounds,l=length` in place of the rounds is understood too), or with Dovecot's `$1$salt$rounds$digest` of PBKDF2.
 * @throws Error for damaged hashes and for costs over 256 MB, 1 GB of mixing or 10 million rounds.
 */
export function compareDerived(stored: string, plain: Uint8Array): boolean {
  const [, scheme = "", settings = "", saltText = "", digestText = ""] = stored.split("$");
  if (scheme === "scrypt") return scryptSame({ plain, salt: decode(saltText), expected: decode(digestText) }, settings);
  const dovecot = /^\$pbkdf2\$\$1\$([^$]*)\$(\d+)\$([0-9a-f]*)$/i.exec(stored);
  if (dovecot !== null) {
    const [, salt = "", rounds = "", digest = ""] = dovecot;
    return pbkdf2Same(
      { plain, salt: Buffer.from(salt, "latin1"), expected: Buffer.from(digest, "hex") },
      rounds,
      "sha1",
    );
  }
  const digest = scheme.split("-")[1] ?? "sha1";
  return pbkdf2Same({ plain, salt: decode(saltText), expected: decode(digestText) }, settings, digest);
}

/** `$7$`: scrypt as crypt(3) writes it, with the salt as it stands there. @throws Error as {@link compareDerived}. */
export function compareScryptCrypt(stored: string, plain: Uint8Array): boolean {
  const [, ln = "", r = "", p = "", salt = "", digest = ""] =
    /^\$7\$([./\w])([./\w]{5})([./\w]{5})([^$]*)\$([./\w]{43})$/.exec(stored) ?? [];
  if (ln === "") throw new Error("a damaged $7$ hash");
  const derived = scrypt(
    { plain, salt: Buffer.from(salt, "latin1"), length: 32 },
    { ln: cryptNumber(ln), r: cryptNumber(r), p: cryptNumber(p) },
  );
  return timingSafeEqual(Buffer.from(cryptText(derived)), Buffer.from(digest));
}

interface Compared {
  readonly plain: Uint8Array;
  readonly salt: Uint8Array;
  readonly expected: Buffer;
}

function checkLength(expected: Buffer, scheme: string): void {
  if (expected.length < SHORTEST) throw new Error(`a ${scheme} hash that is cut off`);
  if (expected.length > LONGEST) throw new Error(`a ${scheme} hash of over ${LONGEST} bytes`);
}

function scryptSame({ plain, salt, expected }: Compared, settings: string): boolean {
  checkLength(expected, "scrypt");
  const [, ln = "0", r = "0", p = "0"] = /^ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})$/.exec(settings) ?? [];
  const derived = scrypt({ plain, salt, length: expected.length }, { ln: Number(ln), r: Number(r), p: Number(p) });
  return timingSafeEqual(derived, expected);
}

function scrypt(
  { plain, salt, length }: { plain: Uint8Array; salt: Uint8Array; length: number },
  { ln, r, p }: Readonly<Record<"ln" | "r" | "p", number>>,
): Buffer {
  const bytes = 128 * 2 ** ln * r;
  if (ln < 1 || r < 1 || p < 1) throw new Error("a scrypt hash with settings that are not usable");
  if (bytes > MEMORY || bytes * p > MIXED)
    throw new Error("a scrypt hash with settings of over 256 MB, or 1 GB over its lanes");
  return scryptSync(plain, salt, length, { cost: 2 ** ln, blockSize: r, parallelization: p, maxmem: 2 * MEMORY });
}

function pbkdf2Same({ plain, salt, expected }: Compared, settings: string, digest: string): boolean {
  checkLength(expected, "pbkdf2");
  const rounds = Number(/^(?:i=)?(\d{1,8})(?:,l=\d+)?$/.exec(settings)?.[1] ?? 0);
  const blocks = Math.ceil(expected.length / ({ sha1: 20, sha256: 32 }[digest] ?? 64));
  if (rounds < 1 || rounds * blocks > ROUNDS)
    throw new Error(`a pbkdf2 hash with a number of rounds that is not between 1 and ${ROUNDS / blocks}`);
  return timingSafeEqual(pbkdf2Sync(plain, salt, rounds, expected.length, digest), expected);
}

/** Base64 as passlib and OpenLDAP write it: without padding, and with `.` for `+`. */
function decode(text: string): Buffer {
  return Buffer.from(text.replaceAll(".", "+"), "base64");
}
