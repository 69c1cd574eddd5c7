import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { calculateJwkThumbprint, importJWK, jwtVerify, SignJWT } from "jose";
import { IdpError } from "../../../src/kernel/index.ts";
import { openKeyRing } from "../../../src/keys/index.ts";
import { openStore, type Store } from "../../../src/store/index.ts";
import { createManualWorld } from "../../support/manual-clock.ts";

async function given(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-keys-"));
  const world = createManualWorld();
  const open = (): Promise<Store> => openStore(`sqlite:${join(folder, "keys.db")}`, world);
  const stores = [await open(), await open()] as const;
  context.after(async () => {
    await Promise.all(stores.map((store) => store.close()));
    rmSync(folder, { recursive: true, force: true });
  });
  return { world, stores };
}

test("a key ring holds RS256, ES256 and EdDSA keys in this order, named by their thumbprints, and they sign", async () => {
  const world = createManualWorld();
  const { jwks } = await openKeyRing({ store: await openStore("memory:", world), world });
  assert.deepEqual(
    jwks.keys.map(({ alg, kty, crv, use }) => [alg, kty, crv, use]),
    [
      ["RS256", "RSA", undefined, "sig"],
      ["ES256", "EC", "P-256", "sig"],
      ["EdDSA", "OKP", "Ed25519", "sig"],
    ],
  );
  assert.equal(Buffer.from(jwks.keys[0]?.n ?? "", "base64url").length, 256);
  for (const { d, p, q, dp, dq, qi, ...publicKey } of jwks.keys) {
    const { alg = "", kid } = publicKey;
    assert.equal(kid, await calculateJwkThumbprint(publicKey));
    const privateKey = { ...publicKey, d, p, q, dp, dq, qi } as Parameters<typeof importJWK>[0];
    const token = await new SignJWT({ sub: "demo" }).setProtectedHeader({ alg }).sign(await importJWK(privateKey, alg));
    assert.equal((await jwtVerify(token, await importJWK(publicKey, alg))).payload.sub, "demo");
  }
});

test("secrets of a key ring have 256 bits and differ from each other and between stores", async () => {
  const world = createManualWorld();
  const rings = [
    await openKeyRing({ store: await openStore("memory:", world), world }),
    await openKeyRing({ store: await openStore("memory:", world), world }),
  ];
  const secrets = rings.flatMap(({ cookieKeys, csrfKey, pairwiseSecret }) => [
    ...cookieKeys.map((key) => Buffer.from(key, "base64url")),
    Buffer.from(csrfKey),
    Buffer.from(pairwiseSecret),
  ]);
  assert.equal(secrets.length, 6);
  for (const secret of secrets) assert.equal(secret.length, 32);
  assert.equal(new Set(secrets.map((secret) => secret.toString("hex"))).size, 6);
});

test("a key ring is the same after a new start and on another instance", async (context) => {
  const { world, stores } = await given(context);
  const first = await openKeyRing({ store: stores[0], world });
  assert.deepEqual(await openKeyRing({ store: stores[0], world }), first);
  assert.deepEqual(await openKeyRing({ store: stores[1], world }), first);
});

test("programs that start together on an empty store end with one key ring", async (context) => {
  const { world, stores } = await given(context);
  const [one, two] = stores;
  const rings = await Promise.all([one, two, one, two].map((store) => openKeyRing({ store, world })));
  for (const ring of rings) assert.deepEqual(ring, rings[0]);
  assert.equal((await one.list("key")).length, 7);
});

test("a program that died while it made a key holds up the next one for some seconds only", async (context) => {
  const { world, stores } = await given(context);
  const [store, other] = stores;
  await store.consumeOnce("key-lock", "csrf", world.clock.now() + 10_000);
  const started = world.clock.now();
  const rings = await Promise.all([openKeyRing({ store, world }), openKeyRing({ store: other, world })]);
  assert.ok(world.clock.now() - started >= 10_000);
  assert.deepEqual(rings[0], rings[1]);
});

test("a lock that never ends is an error, not a second set of keys", async (context) => {
  const { world, stores } = await given(context);
  const [store] = stores;
  await store.consumeOnce("key-lock", "cookie", Number.MAX_SAFE_INTEGER);
  await assert.rejects(
    openKeyRing({ store, world }),
    (error: unknown) => error instanceof IdpError && error.code === "STORE_UNAVAILABLE",
  );
  assert.equal(await store.get("key", "cookie"), undefined);
});

test("a store that fails gives no key ring", async (context) => {
  const { world, stores } = await given(context);
  await stores[0].close();
  await assert.rejects(
    openKeyRing({ store: stores[0], world }),
    (error: unknown) => error instanceof IdpError && error.code === "STORE_UNAVAILABLE",
  );
});
