import { compareSync } from "bcryptjs";
import { compareArgon2 } from "./argon2.ts";
import { compareCrypt } from "./crypt.ts";
import { compareDerived, compareScryptCrypt } from "./derived.ts";
import { compareDigest, isDigest } from "./digests.ts";
import { compareScram } from "./scram.ts";

/** Directory servers and Dovecot put a name before a hash that says what it is itself; Dovecot's {MD5} may do so. */
const WRAPPER = /^\{(?:CRYPT|ARGON2|ARGON2I|ARGON2ID|BLF-CRYPT|MD5-CRYPT|SHA256-CRYPT|SHA512-CRYPT|MD5)\}(?=\$)/i;
const PBKDF2 = /^\{(PBKDF2(?:-SHA1|-SHA256|-SHA512)?)\}/i;

/** Names of schemes that say nothing by themselves. */
const NAMES: Readonly<Record<string, string>> = {
  $y$: "yescrypt",
  $gy$: "gost-yescrypt",
  $sha1$: "sha1crypt",
  $md5$: "SunMD5",
  $3$: "NT hash",
  "{CRYPT}": "crypt with DES",
};

/** What bcrypt looks at; a longer password would match all that begin alike. */
const BCRYPT_BYTES = 72;
/** Some seconds. */
const BCRYPT_COST = 15;
/** Nobody types more, and some schemes take the square of it. */
const LONGEST_PASSWORD = 4_096;
const LONGEST_HASH = 2_048;

/**
 * Whether a stored hash is of this password (bytes). Answers `false` for passwords of over 4096 bytes.
 * @throws Error naming a scheme nobody here knows, or what is wrong with the hash: damaged, or more costly than a check may be.
 * The hash itself never stands in a message.
 */
export function comparePasswords(hash: string, plain: Buffer): boolean {
  if (hash.length > LONGEST_HASH) throw new Error(`a hash of over ${LONGEST_HASH} characters`);
  if (plain.length > LONGEST_PASSWORD) return false;
  const bare = hash.replace(WRAPPER, "").replace(PBKDF2, (_, name: string) => `$${name.toLowerCase()}$`);
  if (/^\$argon2(?:id|i|d)\$/.test(bare)) return compareArgon2(bare, plain);
  if (/^\$2[abxy]\$/.test(bare)) return bcrypt(bare, plain);
  if (/^\$(?:1|apr1|5|6)\$/.test(bare)) return compareCrypt(bare, plain);
  if (bare.startsWith("$7$")) return compareScryptCrypt(bare, plain);
  if (/^\$(?:scrypt|pbkdf2(?:-sha(?:1|256|512))?)\$/.test(bare)) return compareDerived(bare, plain);
  if (/^\{SCRAM-SHA-(?:1|256)\}/i.test(bare)) return compareScram(bare, plain);
  if (isDigest(bare)) return compareDigest(bare, plain);
  const scheme = /^(\{[\w.-]{1,32}\}|\$[\w-]{1,32}\$)/.exec(hash.replace(/^\{CRYPT\}(?=\$)/i, ""))?.[1];
  if (scheme === undefined) throw new Error("a hash without a scheme");
  const name = NAMES[scheme.toUpperCase()] ?? NAMES[scheme];
  throw new Error(`unsupported scheme ${name === undefined ? scheme : `${name} (${scheme})`}`);
}

function bcrypt(hash: string, plain: Buffer): boolean {
  if (!/^\$2[abxy]\$\d\d\$[./\w]{53}$/.test(hash)) throw new Error("a damaged bcrypt hash");
  if (Number(hash.slice(4, 6)) > BCRYPT_COST) throw new Error(`a bcrypt hash with a cost of over ${BCRYPT_COST}`);
  const text = plain.toString("utf8");
  if (!Buffer.from(text, "utf8").equals(plain)) throw new Error("a bcrypt hash, and a password that is not UTF-8");
  return plain.length <= BCRYPT_BYTES && compareSync(text, hash.replace(/^\$2[xy]\$/, "$2b$"));
}
