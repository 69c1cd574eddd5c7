import { timingSafeEqual } from "node:crypto";
import { hashRawSync } from "@node-rs/argon2";

const SHAPE =
  /^\$argon2(d|i|id)\$(?:v=(16|19)\$)?m=(\d{1,7}),t=(\d{1,5}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,128})\$([A-Za-z0-9+/]{16,256})$/;
/** As the package numbers them; the older version is the one without a name. */
const ALGORITHMS: Readonly<Record<string, number>> = { d: 0, i: 1, id: 2 };
const VERSIONS: Readonly<Record<string, number>> = { 16: 0, 19: 1 };

const MOST_KIB = 256 * 1024;
/** Passes times memory: some seconds. */
const MOST_WORK = 2 * 1024 * 1024;

/** Compares with `$argon2…$v=..$m=..,t=..,p=..$salt$digest`. @throws Error for damaged hashes, and over 256 MB or 2 GB over all passes. */
export function compareArgon2(stored: string, plain: Uint8Array): boolean {
  const found = SHAPE.exec(stored);
  if (found === null) throw new Error("a damaged Argon2 hash");
  const [, kind = "", version = "16", memory = "", passes = "", lanes = "", salt = "", digest = ""] = found;
  if (Number(memory) > MOST_KIB || Number(memory) * Number(passes) > MOST_WORK)
    throw new Error("an Argon2 hash of over 256 MB, or 2 GB over its passes");
  const expected = Buffer.from(digest, "base64");
  return timingSafeEqual(digestOf(), expected);

  function digestOf(): Uint8Array {
    try {
      return hashRawSync(plain, {
        algorithm: ALGORITHMS[kind] ?? 2,
        version: VERSIONS[version] ?? 1,
        memoryCost: Number(memory),
        timeCost: Number(passes),
        parallelism: Number(lanes),
        salt: Buffer.from(salt, "base64"),
        outputLen: expected.length,
      });
    } catch {
      throw new Error("a damaged Argon2 hash");
    }
  }
}
