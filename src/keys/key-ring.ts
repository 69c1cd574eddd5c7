import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";
import type { World } from "../kernel/index.ts";
import type { JsonObject, Store } from "../store/index.ts";

export interface KeyRing {
  /** Private signing keys, RS256 first: the algorithm of clients that state none. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** Keys that sign cookies, newest first. */
  readonly cookieKeys: readonly string[];
  /** Key of the form tokens. */
  readonly csrfKey: Uint8Array;
  /** Secret behind pairwise subject identifiers (OpenID Connect Core section 8.1). */
  readonly pairwiseSecret: Uint8Array;
}

const KIND = "key";
const FOREVER = Number.MAX_SAFE_INTEGER;
const ALGORITHMS = ["RS256", "ES256", "EdDSA"] as const;

/** Reads the keys from the store, making those that are not there yet. Two processes that start together end with one set. */
export async function openKeyRing({ store, world }: { store: Store; world: World }): Promise<KeyRing> {
  const keys: JWK[] = [];
  for (const alg of ALGORITHMS) keys.push((await once({ store, world }, `sign.${alg}`, () => signingKey(alg))) as JWK);
  const secret = async (name: string): Promise<string> => {
    const made = await once({ store, world }, name, async () => ({
      secret: Buffer.from(world.random.bytes(32)).toString("base64url"),
    }));
    return String(made["secret"]);
  };
  return {
    jwks: { keys },
    cookieKeys: [await secret("cookie")],
    csrfKey: Buffer.from(await secret("csrf"), "base64url"),
    pairwiseSecret: Buffer.from(await secret("pairwise"), "base64url"),
  };
}

interface OnceDeps {
  readonly store: Store;
  readonly world: World;
}

/** Milliseconds to wait for another process that is making the same key, and between two looks. */
const PATIENCE = { total: 10_000, step: 50 } as const;

async function once({ store, world }: OnceDeps, name: string, make: () => Promise<JsonObject>): Promise<JsonObject> {
  const known = await store.get(KIND, name);
  if (known !== undefined) return known.value;
  const made = await make();
  if (await store.consumeOnce("key-made", name, FOREVER)) {
    await store.put(KIND, name, made);
    return made;
  }
  for (let waited = 0; waited < PATIENCE.total; waited += PATIENCE.step) {
    const other = await store.get(KIND, name);
    if (other !== undefined) return other.value;
    await world.clock.sleep(PATIENCE.step);
  }
  // The other process died between the mark and the key: nobody has used a key under this name yet.
  await store.put(KIND, name, made);
  return made;
}

async function signingKey(alg: (typeof ALGORITHMS)[number]): Promise<JsonObject> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, alg, use: "sig", kid: await calculateJwkThumbprint(jwk) };
}
