// Password hashes, on a thread of its own: on the thread pool they would starve the signing of tokens.
import { verifySync } from "@node-rs/argon2";
import { compareSync } from "bcryptjs";
import { compareCrypt } from "./crypt.ts";
import { compareDerived } from "./derived.ts";
import { compareSalted } from "./salted.ts";
import { textOf } from "./text.ts";
import { serve } from "./thread-entry.ts";

/** Directory servers and Dovecot put a name before a hash that says what it is itself. */
const WRAPPER = /^\{(?:CRYPT|ARGON2|ARGON2I|ARGON2ID|BLF-CRYPT|MD5-CRYPT|SHA256-CRYPT|SHA512-CRYPT)\}/i;

/** What bcrypt looks at; a longer password would match all that begin alike. */
const BCRYPT_BYTES = 72;

/** @throws Error naming a scheme nobody here knows; the hash itself never stands in a message. */
function compare(hash: string, plain: Buffer): boolean {
  const bare = hash
    .replace(WRAPPER, "")
    .replace(/^\{(PBKDF2(?:-SHA256|-SHA512)?)\}/i, (_, name: string) => `$${name.toLowerCase()}$`);
  if (/^\$argon2(?:id|i|d)\$/.test(bare)) return argon2(bare, plain);
  if (/^\$2[abxy]\$/.test(bare))
    return plain.length <= BCRYPT_BYTES && compareSync(plain.toString("utf8"), bare.replace(/^\$2[xy]\$/, "$2b$"));
  if (/^\$(?:1|5|6)\$/.test(bare)) return compareCrypt(bare, plain);
  if (/^\$(?:scrypt|pbkdf2(?:-sha(?:1|256|512))?)\$/.test(bare)) return compareDerived(bare, plain);
  if (/^\{SSHA(?:256|512)?(?:\.HEX|\.B64)?\}/i.test(bare)) return compareSalted(bare, plain);
  const scheme = /^(\{[\w.-]{1,32}\}|\$[\w-]{1,32}\$)/.exec(hash)?.[1];
  throw new Error(scheme === undefined ? "a hash without a scheme" : `unsupported scheme ${scheme}`);
}

function argon2(hash: string, plain: Buffer): boolean {
  try {
    return verifySync(hash, plain);
  } catch {
    throw new Error("a damaged Argon2 hash");
  }
}

serve({
  "password.compare": ([hash, plain]) =>
    compare(textOf(hash, "the hash"), Buffer.from(textOf(plain, "the password"), "latin1")),
});
