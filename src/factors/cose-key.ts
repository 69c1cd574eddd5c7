import { createPublicKey, type JsonWebKey } from "node:crypto";
import { decodeCredentialPublicKey } from "@simplewebauthn/server/helpers";

/** Numbers of RFC 9052 section 7 and RFC 9053 section 2: key parameters, and the algorithms that are taken. */
const KTY = 1;
const ALG = 3;
const CRV = -1;
const X = -2;
const Y = -3;

type Parameters = ReadonlyMap<number, unknown>;

/**
 * The algorithm of a credential's public key, if its parts fit that algorithm. The library takes any offered algorithm for any kind of
 * key: such a credential would be stored and could never be used, or be used by another algorithm than it names.
 */
export function algorithmOf(publicKey: Uint8Array<ArrayBuffer>): number | undefined {
  try {
    const key = decodeCredentialPublicKey(publicKey) as unknown as Parameters;
    const algorithm = key.get(ALG);
    return typeof algorithm === "number" && isSound(key, algorithm) ? algorithm : undefined;
  } catch {
    return undefined;
  }
}

function isSound(key: Parameters, algorithm: number): boolean {
  switch (algorithm) {
    case -7:
      return key.get(KTY) === 2 && key.get(CRV) === 1 && isOnCurve("EC", "P-256", { x: key.get(X), y: key.get(Y) });
    case -8:
      return key.get(KTY) === 1 && key.get(CRV) === 6 && isOnCurve("OKP", "Ed25519", { x: key.get(X) });
    case -257:
      return key.get(KTY) === 3 && lengthOf(key.get(CRV)) >= 256 && lengthOf(key.get(X)) > 0;
    default:
      return false;
  }
}

/** @throws Error for a point that is not on the curve. */
function isOnCurve(kty: string, crv: string, point: Readonly<Record<string, unknown>>): boolean {
  const parts = Object.entries(point);
  if (parts.some(([, part]) => lengthOf(part) !== 32)) return false;
  const encoded = parts.map(([name, part]): [string, string] => [
    name,
    Buffer.from(part as Uint8Array).toString("base64url"),
  ]);
  const key: JsonWebKey = { kty, crv, ...Object.fromEntries<string>(encoded) };
  createPublicKey({ key, format: "jwk" });
  return true;
}

function lengthOf(part: unknown): number {
  return part instanceof Uint8Array ? part.length : 0;
}
