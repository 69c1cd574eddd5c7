import assert from "node:assert/strict";
import { test } from "node:test";
import type { Adapter, AdapterPayload } from "oidc-provider";
import { IdpError } from "../../../src/kernel/index.ts";
import { createAdapterFactory } from "../../../src/oidc/index.ts";
import { openStore } from "../../../src/store/index.ts";
import { createManualWorld } from "../../support/manual-clock.ts";

async function given() {
  const world = createManualWorld();
  const store = await openStore("memory:", world);
  const client = { client_id: "web", redirect_uris: ["https://app.example/cb"] };
  const clients = { metadata: (id: string) => (id === "web" ? client : undefined) };
  const adapterOf = createAdapterFactory({ store, clients, clock: world.clock });
  return { store, clock: world.clock, adapterOf, client };
}

const twelve = (run: () => Promise<unknown>) => Promise.allSettled(Array.from({ length: 12 }, run));

/** OAuth error codes of what was refused. */
const refusals = (results: readonly PromiseSettledResult<unknown>[]): readonly unknown[] =>
  results.flatMap((result) => (result.status === "rejected" ? [(result.reason as { error?: string }).error] : []));

test("a record is found as it was written, until 15 seconds after its expiry", async () => {
  const { adapterOf, clock, store } = await given();
  const adapter = adapterOf("AccessToken");
  const payload: AdapterPayload = { jti: "t", accountId: "demo", clientId: "web", grantId: "g", scope: "openid" };
  await adapter.upsert("t", payload, 60);
  assert.deepEqual(await adapter.find("t"), payload);
  assert.notEqual(await store.get("oidc.AccessToken", "t"), undefined);
  clock.advance(74_999);
  assert.deepEqual(await adapter.find("t"), payload);
  clock.advance(1);
  assert.equal(await adapter.find("t"), undefined);
  assert.equal(await adapter.find("other"), undefined);
});

for (const [model, error] of [
  ["AuthorizationCode", "invalid_grant"],
  ["RefreshToken", "invalid_grant"],
  ["DeviceCode", "invalid_grant"],
  ["PushedAuthorizationRequest", "invalid_request_uri"],
] as const) {
  test(`of parallel consumers of one ${model} one succeeds and the others get ${error}`, async () => {
    const { adapterOf, clock } = await given();
    const adapter = adapterOf(model);
    await adapter.upsert("c", { jti: "c", clientId: "web" }, 60);
    const results = await twelve(() => adapter.consume("c"));
    assert.deepEqual(
      refusals(results),
      Array.from({ length: 11 }, () => error),
    );
    assert.equal((await adapter.find("c"))?.consumed, Math.floor(clock.now() / 1000));
    assert.deepEqual(refusals([...(await twelve(() => adapter.consume("absent")))].slice(0, 1)), [error]);
  });
}

test("of parallel uses of one token id one is stored", async () => {
  const { adapterOf } = await given();
  const adapter = adapterOf("ReplayDetection");
  const results = await twelve(() => Promise.resolve(adapter.upsert("j", { jti: "j" }, 60)));
  assert.deepEqual(
    refusals(results),
    Array.from({ length: 11 }, () => "invalid_request"),
  );
  assert.deepEqual(await adapter.find("j"), { jti: "j" });
});

test("records are found by uid, user code and account, and revoked by grant", async () => {
  const { adapterOf, store } = await given();
  await adapterOf("Session").upsert("s", { jti: "s", uid: "u", accountId: "demo" }, 60);
  await adapterOf("DeviceCode").upsert("d", { jti: "d", userCode: "ABCD", grantId: "g" }, 60);
  await adapterOf("Grant").upsert("g", { jti: "g", accountId: "demo" }, 60);
  await adapterOf("RefreshToken").upsert("r", { jti: "r", accountId: "demo", grantId: "g" }, 60);
  await adapterOf("RefreshToken").upsert("q", { jti: "q", accountId: "demo", grantId: "h" }, 60);
  assert.equal((await adapterOf("Session").findByUid("u"))?.jti, "s");
  assert.equal(await adapterOf("Session").findByUid("x"), undefined);
  assert.equal((await adapterOf("DeviceCode").findByUserCode("ABCD"))?.jti, "d");
  for (const [model, ids] of [
    ["Session", ["s"]],
    ["Grant", ["g"]],
    ["RefreshToken", ["q", "r"]],
  ] as const) {
    const found = await store.findByIndex(`oidc.${model}`, "account", "demo");
    assert.deepEqual(found.map(({ id }) => id).toSorted(), ids);
  }
  await adapterOf("RefreshToken").revokeByGrantId("g");
  assert.equal(await adapterOf("RefreshToken").find("r"), undefined);
  assert.notEqual(await adapterOf("RefreshToken").find("q"), undefined);
  assert.notEqual(await adapterOf("DeviceCode").find("d"), undefined);
});

test("destroying an anonymous or foreign session leaves no trace of it", async () => {
  const { adapterOf, store } = await given();
  const adapter = adapterOf("Session");
  await adapter.upsert("s", { jti: "s", uid: "u", accountId: "demo" }, 60);
  await adapter.destroy("s");
  assert.equal(await adapter.find("s"), undefined);
  assert.equal(await adapter.findByUid("u"), undefined);
  assert.deepEqual(await store.list("oidc.SessionAlias"), []);
});

test("a chain of session aliases is followed, and a ring of them ends", async () => {
  const { adapterOf, store, clock } = await given();
  const adapter = adapterOf("Session");
  const options = { expiresAt: clock.now() + 60_000 };
  await adapter.upsert("c", { jti: "c", accountId: "demo" }, 600);
  await store.put("oidc.SessionAlias", "a", { to: "b" }, options);
  await store.put("oidc.SessionAlias", "b", { to: "c" }, options);
  await store.put("oidc.SessionAlias", "x", { to: "y" }, options);
  await store.put("oidc.SessionAlias", "y", { to: "x" }, options);
  assert.equal((await adapter.find("a"))?.jti, "c");
  assert.equal(await adapter.find("x"), undefined);
  clock.advance(60_000);
  assert.equal(await adapter.find("a"), undefined);
  assert.equal((await adapter.find("c"))?.jti, "c");
});

test("clients come from the configuration and are never written", async () => {
  const { adapterOf, client } = await given();
  const adapter: Adapter = adapterOf("Client");
  assert.deepEqual(await adapter.find("web"), client);
  assert.equal(await adapter.find("other"), undefined);
  await assert.rejects(Promise.resolve(adapter.upsert("web", {}, 60)), IdpError);
  await assert.rejects(Promise.resolve(adapter.destroy("web")), IdpError);
});
