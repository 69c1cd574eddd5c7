import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from "jose";
import { IdpError, type World } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";

export const SIGNING_ALGORITHMS = ["RS256", "ES256", "EdDSA"] as const;
type Algorithm = (typeof SIGNING_ALGORITHMS)[number];

/** Where a key is in its life: published and waiting, signing, or only published for what it signed. */
export type KeyState = "next" | "active" | "retired";

export interface SigningKey {
  /** The private key; `kid` is its thumbprint (RFC 7638). */
  readonly jwk: JWK;
  readonly alg: Algorithm;
  readonly state: KeyState;
  /** Milliseconds since the epoch: when it came into this state. */
  readonly since: number;
}

/** Milliseconds. */
export interface RotationPolicy {
  /** How long a key is published before it signs: longer than applications keep our JWKS. */
  readonly publish: number;
  /** How long a key stays published after it signed the last time: longer than what it signed is good for. */
  readonly retire: number;
  /** How old a signing key gets; `undefined`: until somebody rotates it. */
  readonly rotate: number | undefined;
}

const KIND = "key";
const ID = "signing";

/** What a list of keys needs now. Pure but for the keys it asks for. */
export function advanceKeys(
  keys: readonly SigningKey[],
  policy: RotationPolicy,
  now: number,
): { readonly keys: readonly SigningKey[]; readonly wanted: readonly Algorithm[] } {
  const of = (alg: Algorithm, state: KeyState) => keys.find((key) => key.alg === alg && key.state === state);
  const ripe = SIGNING_ALGORITHMS.filter((alg) => {
    const next = of(alg, "next");
    return next !== undefined && now - next.since >= policy.publish;
  });
  const moved = keys
    .filter((key) => key.state !== "retired" || now - key.since < policy.retire)
    .map((key): SigningKey => {
      if (!ripe.includes(key.alg) || key.state === "retired") return key;
      return { ...key, state: key.state === "next" ? "active" : "retired", since: now };
    });
  const wanted = SIGNING_ALGORITHMS.filter((alg) => {
    const active = moved.find((key) => key.alg === alg && key.state === "active");
    if (active === undefined) return true;
    const isWaiting = moved.some((key) => key.alg === alg && key.state === "next");
    // The next key is published in time to take over when this one is old enough.
    return policy.rotate !== undefined && !isWaiting && now - active.since >= policy.rotate - policy.publish;
  });
  return { keys: moved, wanted };
}

/** The keys as oidc-provider wants them: those that sign first, RS256 before the others; every one of them published. */
export function jwksOf(keys: readonly SigningKey[]): { readonly keys: readonly JWK[] } {
  const order: readonly KeyState[] = ["active", "next", "retired"];
  const sorted = keys.toSorted(
    (a, b) =>
      order.indexOf(a.state) - order.indexOf(b.state) ||
      SIGNING_ALGORITHMS.indexOf(a.alg) - SIGNING_ALGORITHMS.indexOf(b.alg),
  );
  return { keys: sorted.map(({ jwk }) => jwk) };
}

/** Signing keys in the store, shared by all instances and by commands. All changes are compare-and-swap. */
export interface SigningKeys {
  list(): Promise<readonly SigningKey[]>;
  /** Moves keys on whose time has come, and makes those that are missing. */
  advance(policy: RotationPolicy): Promise<readonly SigningKey[]>;
  /** Makes a new key for every algorithm: published first, or signing at once in an emergency. */
  rotate(when: "published" | "now"): Promise<readonly SigningKey[]>;
}

export function createSigningKeys({ store, world }: { store: Store; world: World }): SigningKeys {
  const { clock } = world;
  const read = async () => {
    const record = await store.get(KIND, ID);
    return { record, keys: (record?.value["keys"] ?? (await adopted(store, clock.now()))) as readonly SigningKey[] };
  };
  const change = async (
    decide: (keys: readonly SigningKey[]) => Promise<readonly SigningKey[]>,
  ): Promise<readonly SigningKey[]> => {
    for (let tries = 0; tries < 20; tries += 1) {
      const { record, keys } = await read();
      const next = await decide(keys);
      if (record !== undefined && next === keys) return keys;
      const isDone =
        record === undefined
          ? await store.create(KIND, ID, { keys: next })
          : await store.replace(KIND, ID, record.version, { keys: next });
      if (isDone) return next;
    }
    throw new IdpError("STORE_UNAVAILABLE", { because: "the signing keys are changed by others all the time" });
  };
  const make = async (alg: Algorithm, state: KeyState): Promise<SigningKey> => ({
    jwk: await newKey(alg),
    alg,
    state,
    since: clock.now(),
  });
  return {
    list: async () => (await read()).keys,
    advance: (policy) =>
      change(async (keys) => {
        const { keys: moved, wanted } = advanceKeys(keys, policy, clock.now());
        if (wanted.length === 0 && moved.length === keys.length && moved.every((key, index) => key === keys[index]))
          return keys;
        const made = await Promise.all(
          wanted.map((alg) =>
            make(alg, moved.some((key) => key.alg === alg && key.state === "active") ? "next" : "active"),
          ),
        );
        return [...moved, ...made];
      }),
    rotate: (when) =>
      change(async (keys) => {
        const made = await Promise.all(SIGNING_ALGORITHMS.map((alg) => make(alg, when === "now" ? "active" : "next")));
        if (when === "published") return [...keys.filter(({ state }) => state !== "next"), ...made];
        const retired = keys.map(
          (key): SigningKey => (key.state === "retired" ? key : { ...key, state: "retired", since: clock.now() }),
        );
        return [...retired, ...made];
      }),
  };
}

/** Keys that an earlier version made, one record for each algorithm. */
async function adopted(store: Store, now: number): Promise<readonly SigningKey[]> {
  const found = await Promise.all(
    SIGNING_ALGORITHMS.map(async (alg) => {
      const jwk = (await store.get(KIND, `sign.${alg}`))?.value as JWK | undefined;
      return jwk === undefined ? [] : [{ jwk, alg, state: "active", since: now } as const];
    }),
  );
  return found.flat();
}

async function newKey(alg: Algorithm): Promise<JWK> {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, alg, use: "sig", kid: await calculateJwkThumbprint(jwk) };
}
