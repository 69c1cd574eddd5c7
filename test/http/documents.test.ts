import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { realWorld } from "../../src/app/index.ts";
import { createSigningKeys } from "../../src/keys/index.ts";
import { openStore } from "../../src/store/index.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { OIDC, SCRIPT } from "../support/journey.ts";

let idp: TestIdp;
before(async () => {
  idp = await startIdp({ script: SCRIPT, oidc: OIDC, store: "sqlite" });
});
after(() => idp.stop());

const JWKS = "/oidc/jwks";
const METADATA = "/.well-known/openid-configuration";

async function ask(path: string, headers: Record<string, string> = {}, method = "GET") {
  const answer = await fetch(idp.issuer + path, { method, headers });
  // Of the connection and the moment, not of the document.
  const passing = new Set(["date", "connection", "keep-alive"]);
  const fields = Object.fromEntries([...answer.headers].filter(([name]) => !passing.has(name)));
  return { status: answer.status, fields, etag: answer.headers.get("etag") ?? "", body: await answer.text() };
}

for (const [path, caching] of [
  [METADATA, "public, max-age=300"],
  [JWKS, "public, no-cache"],
] as const) {
  test(`${path}: the bytes and headers kept are those the library answered with the first time`, async () => {
    const origin = "https://app.example";
    const first = await ask(path, { origin });
    assert.equal(first.status, 200);
    assert.deepEqual(await ask(path, { origin }), first);
    assert.equal(first.fields["cache-control"], caching);
    assert.equal(first.fields["access-control-allow-origin"], origin);
    assert.equal((await ask(path)).fields["access-control-allow-origin"], "*");
    const { body, ...head } = await ask(path, { origin }, "HEAD");
    assert.deepEqual([body, head], ["", { status: first.status, fields: first.fields, etag: first.etag }]);
    assert.equal((await ask(path, {}, "POST")).status, 404);
  });

  test(`${path}: who holds the present document is told so in 304, who holds another gets it`, async () => {
    const { etag, body } = await ask(path);
    assert.match(etag, /^"[\w-]{43}"$/);
    for (const held of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const answer = await ask(path, { "if-none-match": held });
      assert.deepEqual([answer.status, answer.body, answer.etag], [304, "", etag]);
    }
    assert.equal((await ask(path, { "if-none-match": '"other"' })).body, body);
  });
}

test("the metadata has the same bytes under the name OAuth clients look for", async () => {
  assert.equal((await ask("/.well-known/oauth-authorization-server")).body, (await ask(METADATA)).body);
});

test("a new key is in the key set within seconds, and the former validator no longer holds", async () => {
  const former = await ask(JWKS);
  const world = realWorld();
  const store = await openStore(`sqlite:${join(idp.folder, "moonlatch.db")}`, world);
  await createSigningKeys({ store, world }).rotate("now");
  await store.close();
  let now = former;
  while (now.etag === former.etag || now.status === 304) {
    await world.clock.sleep(100);
    now = await ask(JWKS, { "if-none-match": former.etag });
  }
  const kids = (text: string) => (JSON.parse(text) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
  assert.ok(kids(now.body).length > kids(former.body).length);
  assert.deepEqual(await ask(JWKS), now);
});
