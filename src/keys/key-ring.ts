import type { JWK } from "jose";
import { IdpError, type World } from "../kernel/index.ts";
import type { JsonObject, Store } from "../store/index.ts";
import { makeSamlKey, type SamlKey } from "./certificate.ts";
import { createSigningKeys, jwksOf } from "./signing-keys.ts";

export interface KeyRing {
  /** Private signing keys, RS256 first: the algorithm of clients that state none. */
  readonly jwks: { readonly keys: readonly JWK[] };
  /** Keys that sign cookies, newest first. */
  readonly cookieKeys: readonly string[];
  /** Key of the form tokens. */
  readonly csrfKey: Uint8Array;
  /** Secret behind pairwise subject identifiers (OpenID Connect Core section 8.1). */
  readonly pairwiseSecret: Uint8Array;
  /** Secret behind the nonces of DPoP proofs (RFC 9449 section 8). */
  readonly dpopSecret: Uint8Array;
  /** Secret behind persistent NameIDs (saml-core 8.3.7). Belongs to every backup: with another one every person is a stranger. */
  readonly nameIdSecret: Uint8Array;
  /** Secret behind the user handles of passkeys (WebAuthn section 14.6.1). Belongs to every backup: with another one no passkey finds its account. */
  readonly handleSecret: Uint8Array;
  /** Keys of SAML messages with their certificates, the signing one first; empty where SAML is off. */
  readonly samlKeys: readonly SamlKey[];
}

/** At a start keys are only made where there are none; the running provider moves them on. */
const KEEP = { publish: Number.MAX_SAFE_INTEGER, retire: Number.MAX_SAFE_INTEGER, rotate: undefined };
const KIND = "key";
const LOCK = "key-lock";

/**
 * Reads the keys from the store, making those that are not there yet. Programs that start together end with one set, and a
 * program that dies while making a key leaves the next one to make it.
 * @param deps.saml the name in the SAML certificate; without it no such key is made.
 * @throws IdpError STORE_UNAVAILABLE when the store fails or another program holds the lock all the time.
 */
export async function openKeyRing({
  store,
  world,
  saml,
}: OnceDeps & { readonly saml?: string | undefined }): Promise<KeyRing> {
  const signing = await createSigningKeys({ store, world }).advance(KEEP);
  const secret = async (name: string): Promise<string> => {
    const made = await once({ store, world }, name, async () => ({
      secret: Buffer.from(world.random.bytes(32)).toString("base64url"),
    }));
    const value = made["secret"];
    if (typeof value !== "string" || value === "")
      throw new IdpError("STORE_UNAVAILABLE", { because: `no ${name} key` });
    return value;
  };
  return {
    jwks: jwksOf(signing),
    cookieKeys: [await secret("cookie")],
    csrfKey: Buffer.from(await secret("csrf"), "base64url"),
    pairwiseSecret: Buffer.from(await secret("pairwise"), "base64url"),
    dpopSecret: Buffer.from(await secret("dpop"), "base64url"),
    nameIdSecret: Buffer.from(await secret("name-id"), "base64url"),
    handleSecret: Buffer.from(await secret("webauthn-handle"), "base64url"),
    samlKeys: saml === undefined ? [] : await samlKeys({ store, world }, saml),
  };
}

async function samlKeys(deps: OnceDeps, commonName: string): Promise<readonly SamlKey[]> {
  const made = await once(deps, "saml", async () => ({ keys: [await makeSamlKey(deps.world, commonName)] }));
  return made["keys"] as readonly SamlKey[];
}

interface OnceDeps {
  readonly store: Store;
  readonly world: World;
}

/** Milliseconds: how long one program may take to store a finished key, how long others wait for it, and between two looks. */
const PATIENCE = { lock: 10_000, total: 30_000, step: 50 } as const;

async function once({ store, world }: OnceDeps, name: string, make: () => Promise<JsonObject>): Promise<JsonObject> {
  const { clock } = world;
  const stored = async () => (await store.get(KIND, name))?.value;
  const known = await stored();
  if (known !== undefined) return known;
  // Made before the lock is asked for, so that the lock covers nothing but one look and one write.
  const made = await make();
  for (let waited = 0; waited < PATIENCE.total; waited += PATIENCE.step) {
    if (await store.consumeOnce(LOCK, name, clock.now() + PATIENCE.lock)) {
      const other = await stored();
      if (other !== undefined) return other;
      await store.put(KIND, name, made);
      return made;
    }
    const other = await stored();
    if (other !== undefined) return other;
    await clock.sleep(PATIENCE.step);
  }
  throw new IdpError("STORE_UNAVAILABLE", { because: `another program holds the lock of the ${name} key` });
}
