import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from "node:crypto";
import { ROUNDS } from "./derived.ts";

const SCHEME = /^\{SCRAM-SHA-(1|256)\}(\d{1,9}),([\w+/=]+),([\w+/=]+),[\w+/=]+$/i;

/** `{SCRAM-SHA-1}` or `{SCRAM-SHA-256}`: rounds, salt, StoredKey, ServerKey (RFC 5802, 3). @throws Error for damaged ones. */
export function compareScram(stored: string, plain: Uint8Array): boolean {
  const [, bits = "", rounds = "", salt = "", storedKey = ""] = SCHEME.exec(stored) ?? [];
  const expected = Buffer.from(storedKey, "base64");
  const algorithm = `sha${bits}`;
  const size = bits === "1" ? 20 : 32;
  if (expected.length !== size) throw new Error("a damaged SCRAM hash");
  if (Number(rounds) < 1 || Number(rounds) > ROUNDS)
    throw new Error(`a SCRAM hash with a number of rounds that is not between 1 and ${ROUNDS}`);
  const salted = pbkdf2Sync(plain, Buffer.from(salt, "base64"), Number(rounds), size, algorithm);
  const clientKey = createHmac(algorithm, salted).update("Client Key").digest();
  return timingSafeEqual(createHash(algorithm).update(clientKey).digest(), expected);
}
