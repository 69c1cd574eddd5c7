import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createVisitor, follow } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";

let idp: TestIdp;
const { authorizeUrl, codeOf, loginPage, redeem, signIn, submit } = journeyOf(() => idp.issuer);
before(async () => {
  idp = await startIdp({ script: SCRIPT, oidc: OIDC });
});
after(() => idp.stop());

async function claimsOf(code: string): Promise<Readonly<Record<string, unknown>>> {
  const { id_token: token } = (await (await redeem(code)).json()) as { id_token: string };
  return JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<string, unknown>;
}

test("prompt=select_account offers the signed-in account, and going on needs no password", async () => {
  const visitor = createVisitor();
  await signIn(visitor);
  const page = await loginPage(visitor, "app", { prompt: "select_account" });
  assert.match(page.body, /Name of demo/);
  const answer = await visitor.post(page.url, { csrf: page.field("csrf"), decision: "continue" });
  const at = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href), idp.issuer);
  assert.equal((await claimsOf(codeOf(at)))["sub"], "u-demo");
});

test("prompt=select_account lets another account sign in instead", async () => {
  const visitor = createVisitor();
  await signIn(visitor);
  const page = await loginPage(visitor, "app", { prompt: "select_account" });
  const form = await follow(
    visitor,
    await visitor.post(page.url, { csrf: page.field("csrf"), decision: "switch" }),
    idp.issuer,
  );
  const answer = await submit(visitor, form, "editor", "right");
  const at = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href), idp.issuer);
  assert.equal((await claimsOf(codeOf(at)))["sub"], "u-editor");
  const silent = await visitor.get(authorizeUrl("app", { prompt: "none" }));
  assert.equal((await claimsOf(codeOf(silent)))["sub"], "u-editor");
});

test("[26] an essential acr that a password reaches is named as asked for, one it cannot reach is an error and no loop", async () => {
  const claims = (value: string) => JSON.stringify({ id_token: { acr: { essential: true, value } } });
  const visitor = createVisitor();
  const page = await loginPage(visitor, "app", { claims: claims("https://refeds.org/profile/sfa") });
  const answer = await submit(visitor, page, "demo", "right");
  const at = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href), idp.issuer);
  assert.equal((await claimsOf(codeOf(at)))["acr"], "https://refeds.org/profile/sfa");

  const unreachable = await follow(
    visitor,
    await visitor.get(authorizeUrl("app", { claims: claims("urn:moonlatch:level:3") })),
    idp.issuer,
  );
  const back = await follow(visitor, unreachable, idp.issuer);
  assert.equal(new URL(back.location ?? "").searchParams.get("error"), "unmet_authentication_requirements");
});

test("[26] a voluntary acr_values that cannot be reached is told truthfully, not claimed", async () => {
  const visitor = createVisitor();
  const page = await loginPage(visitor, "app", { acr_values: "urn:moonlatch:level:3" });
  const answer = await submit(visitor, page, "demo", "right");
  const at = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href), idp.issuer);
  assert.equal((await claimsOf(codeOf(at)))["acr"], "urn:moonlatch:level:1");
});

test("[21] an id_token_hint of somebody else asks who is there, without a name set in stone", async () => {
  const visitor = createVisitor();
  const other = createVisitor();
  const { id_token: hint } = (await (await redeem(codeOf(await signIn(other, "app", "editor")))).json()) as {
    id_token: string;
  };
  await signIn(visitor);
  const page = await loginPage(visitor, "app", { id_token_hint: hint });
  assert.match(page.body, /id="password"/);
  assert.doesNotMatch(page.body, /readonly/);
});

test("cancelling sends access_denied, and Back to a finished attempt is the out-of-date page, not an error", async () => {
  const visitor = createVisitor();
  const page = await loginPage(visitor);
  const cancelled = await visitor.post(page.url, { csrf: page.field("csrf"), decision: "cancel" });
  const back = await visitor.get(new URL(cancelled.handoff ?? "", idp.issuer).href);
  assert.equal(new URL(back.location ?? "").searchParams.get("error"), "access_denied");
  const again = await visitor.get(page.url);
  assert.equal(again.status, 410);
  assert.match(again.body, /out of date/);
});

test("what is shown is in the language asked for, and the choice lasts", async () => {
  const visitor = createVisitor();
  assert.match((await loginPage(visitor, "app", { ui_locales: "de" })).body, /<html lang="de"/);
  const page = await loginPage(visitor);
  assert.match(page.body, /<html lang="en"/);
  assert.match((await visitor.get(`${page.url}?ui_locales=de`)).body, /<html lang="de"/);
  assert.match((await visitor.get(page.url)).body, /<html lang="de"/);
});

test("methods an address is not for get 405 with what is allowed", async () => {
  const answer = await fetch(`${idp.issuer}/login/oidc/whatever`, { method: "DELETE" });
  assert.equal(answer.status, 405);
  assert.equal(answer.headers.get("allow"), "GET, POST");
});
