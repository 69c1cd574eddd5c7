import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";

let idp: TestIdp;
let database: DatabaseSync;
const { authorizeUrl, codeOf, loginPage, redeem, signIn, submit, token } = journeyOf(() => idp.issuer);
before(async () => {
  idp = await startIdp({ script: SCRIPT, oidc: OIDC, store: "sqlite" });
  database = new DatabaseSync(join(idp.folder, "moonlatch.db"));
});
after(async () => {
  database.close();
  await idp.stop();
});

/** The store's main table is gone, and comes back unharmed. */
const breakStore = () => database.exec("ALTER TABLE records RENAME TO hidden");
const mendStore = () => database.exec("ALTER TABLE hidden RENAME TO records");
let isBroken = false;
beforeEach(() => {
  isBroken = false;
});
afterEach(() => {
  if (isBroken) mendStore();
});

test("a store that fails is 503 everywhere, signs nobody in and consumes nothing", async () => {
  const known = createVisitor();
  const code = codeOf(await signIn(known));
  const { access_token: access } = (await (
    await redeem(codeOf(await known.get(authorizeUrl("app", { prompt: "none" }))))
  ).json()) as { access_token: string };
  const visitor = createVisitor();
  const page = await loginPage(visitor);

  breakStore();
  isBroken = true;
  const redeemed = await redeem(code);
  assert.equal(redeemed.status, 503);
  assert.equal(((await redeemed.json()) as { error: string }).error, "temporarily_unavailable");
  assert.equal(
    (await fetch(`${idp.issuer}/oidc/userinfo`, { headers: { authorization: `Bearer ${access}` } })).status,
    503,
  );
  assert.equal((await token({ grant_type: "refresh_token", refresh_token: "x" })).status, 503);
  for (const answer of [
    await known.get(authorizeUrl("app")),
    await known.get(authorizeUrl("app", { prompt: "none" })),
    await submit(visitor, page, "demo", "right"),
    await visitor.get(page.url),
  ]) {
    assert.equal(answer.status, 503);
    assert.equal(answer.location, undefined);
    assert.match(answer.body, /We can’t do this right now/);
    assert.doesNotMatch(answer.body, /records|SQL|    at /);
  }
  assert.equal((await fetch(`${idp.issuer}/.well-known/openid-configuration`)).status, 200);

  mendStore();
  isBroken = false;
  assert.equal((await redeem(code)).status, 200);
  const answer = await submit(visitor, page, "demo", "right");
  assert.ok(answer.handoff !== undefined);
  codeOf(await known.get(authorizeUrl("app", { prompt: "none" })));
});
