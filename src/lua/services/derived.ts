import { pbkdf2Sync, scryptSync, timingSafeEqual } from "node:crypto";

/** Shorter digests are damaged ones, and an empty one would match every password. */
const SHORTEST = 16;
const MEMORY = 256 * 1024 * 1024;
const ITERATIONS = 10_000_000;

/**
 * Compares with `$scrypt$ln=..,r=..,p=..$salt$digest` or `$pbkdf2[-sha256|-sha512]$rounds$salt$digest`, as passlib writes them;
 * `i=rounds,l=length` in place of the rounds is understood too.
 * @throws Error for damaged hashes and for costs over 256 MB or 10 million rounds.
 */
export function compareDerived(stored: string, plain: Uint8Array): boolean {
  const [, scheme = "", settings = "", saltText = "", digestText = ""] = stored.split("$");
  const salt = decode(saltText);
  const digest = decode(digestText);
  if (digest.length < SHORTEST) throw new Error(`a ${scheme} hash that is cut off`);
  const derived =
    scheme === "scrypt"
      ? scrypt({ plain, salt, length: digest.length, settings })
      : pbkdf2({ plain, salt, length: digest.length, settings }, scheme.split("-")[1] ?? "sha1");
  return timingSafeEqual(digest, derived);
}

interface Work {
  readonly plain: Uint8Array;
  readonly salt: Uint8Array;
  readonly length: number;
  readonly settings: string;
}

function scrypt({ plain, salt, length, settings }: Work): Buffer {
  const [, ln = "", r = "", p = ""] = /^ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})$/.exec(settings) ?? [];
  const cost = 2 ** Number(ln);
  if (ln === "" || 128 * cost * Number(r) > MEMORY) throw new Error("a scrypt hash with settings that are not usable");
  return scryptSync(plain, salt, length, {
    cost,
    blockSize: Number(r),
    parallelization: Number(p),
    maxmem: 2 * MEMORY,
  });
}

function pbkdf2({ plain, salt, length, settings }: Work, digest: string): Buffer {
  const rounds = Number(/^(?:i=)?(\d{1,8})(?:,l=\d+)?$/.exec(settings)?.[1] ?? 0);
  if (rounds < 1 || rounds > ITERATIONS) throw new Error("a pbkdf2 hash with a number of rounds that is not usable");
  return pbkdf2Sync(plain, salt, rounds, length, digest);
}

/** Base64 as passlib writes it: without padding, and with `.` for `+`. */
function decode(text: string): Buffer {
  return Buffer.from(text.replaceAll(".", "+"), "base64");
}
