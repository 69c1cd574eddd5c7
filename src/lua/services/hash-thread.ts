// Password hashes, on a thread of its own: on the thread pool they would starve the signing of tokens.
import { verifySync } from "@node-rs/argon2";
import bcrypt from "bcryptjs";
import { compareCrypt } from "./crypt.ts";
import { compareSalted } from "./salted.ts";
import { serve } from "./thread-entry.ts";

/** @throws Error naming a scheme nobody here knows. */
function compare(hash: string, plain: Buffer): boolean {
  const bare = hash.replace(
    /^\{(?:CRYPT|ARGON2|ARGON2I|ARGON2ID|BLF-CRYPT|MD5-CRYPT|SHA256-CRYPT|SHA512-CRYPT)\}/i,
    "",
  );
  if (/^\$argon2(?:id|i|d)\$/.test(bare)) return verifySync(bare, plain);
  if (/^\$2[abxy]\$/.test(bare))
    return plain.length <= 72 && bcrypt.compareSync(plain.toString("utf8"), bare.replace(/^\$2[xy]\$/, "$2b$"));
  if (/^\$(?:1|5|6)\$/.test(bare)) return compareCrypt(bare, plain);
  if (/^\{SSHA(?:256|512)?(?:\.HEX|\.B64)?\}/i.test(bare)) return compareSalted(bare, plain);
  const scheme = /^(\{[\w.-]+\}|\$[\w-]+\$)/.exec(hash)?.[1] ?? "text without a scheme";
  throw new Error(`unsupported scheme ${scheme}`);
}

serve({ "password.compare": ([hash, plain]) => compare(String(hash), Buffer.from(String(plain), "latin1")) });
