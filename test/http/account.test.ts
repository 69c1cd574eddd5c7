import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type Authenticator,
  type CreationOptions,
  createAuthenticator,
  type RequestOptions,
} from "../support/authenticator.ts";
import { createVisitor, follow, type Visit, type Visitor } from "../support/browser.ts";
import { codesOn, FACTOR_SCRIPT, reply, secretOn, totpCode } from "../support/factors.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf } from "../support/journey.ts";
import { createManualWorld } from "../support/manual-clock.ts";

const SECRET = "client_secret: a-secret-of-the-test-application";
const OIDC = `  clients:
    - { client_id: app, client_name: Test application, ${SECRET}, redirect_uris: ["${CALLBACK}"], grant_types: [authorization_code, refresh_token], client_uri: "https://app.example.org/" }
    - { client_id: editors, client_name: For editors, ${SECRET}, redirect_uris: ["${CALLBACK}"], allow_groups: [editors], client_uri: "https://editors.example.org/" }`;
const MORE = `mfa: { trusted_devices: { lifetime: 30d } }
login: { links: { change_password: "https://example.org/change", forgot_password: "https://example.org/forgot" } }`;

const world = createManualWorld();
let idp: TestIdp;
const { codeOf, loginPage, redeem, signIn: signInAt } = journeyOf(() => idp.issuer);
before(async () => {
  idp = await startIdp({ script: FACTOR_SCRIPT, oidc: OIDC, more: MORE, world });
});
after(() => idp.stop());

const at = (path: string): string => `${idp.issuer}${path}`;
const code = (secret: string): string => totpCode(secret, 0, world.clock.now());

async function open(visitor: Visitor, path: string): Promise<Visit> {
  return follow(visitor, await visitor.get(at(path)), idp.issuer);
}

async function next(visitor: Visitor, page: Visit, fields: Readonly<Record<string, string>>): Promise<Visit> {
  return follow(visitor, await reply(visitor, page, fields), idp.issuer);
}

/** Signs in from the account pages, up to where the password leads. */
async function enter(visitor: Visitor, username: string, path = "/account"): Promise<Visit> {
  return next(visitor, await open(visitor, path), { username, password: "right" });
}

/** Sets an authenticator app up, and the recovery codes that come with the first one. */
async function withTotp(visitor: Visitor, username: string): Promise<{ secret: string; codes: readonly string[] }> {
  await enter(visitor, username);
  const setup = await open(visitor, "/account/methods/totp");
  const secret = secretOn(setup);
  const shown = await next(visitor, setup, { code: code(secret) });
  const codes = codesOn(shown);
  assert.equal(codes.length, 10, shown.body);
  assert.match((await next(visitor, shown, { saved: "on" })).body, /Your recovery codes are saved/);
  world.clock.advance(60_000);
  return { secret, codes };
}

test("the account is reachable directly, and shows the apps this person may open", async () => {
  const page = await enter(createVisitor(), "ann");
  assert.match(page.url, /\/account$/);
  assert.match(page.body, /Hello, <bdi>Name of ann/);
  assert.match(page.body, /href="https:\/\/app\.example\.org\/"/);
  assert.doesNotMatch(page.body, /editors\.example\.org/);
  assert.ok(idp.log.some((line) => line.includes("spy verify_password user=ann cid=app entity= protocol=oidc")));
  assert.ok(idp.log.some((line) => line.includes("spy get_webauthn_credentials user=ann cid= entity= protocol=idp")));
});

test("a first method needs a fresh password, and the wish is remembered meanwhile", async () => {
  const visitor = createVisitor();
  await enter(visitor, "ben");
  world.clock.advance(11 * 60_000);
  const asked = await open(visitor, "/account/methods/totp");
  assert.match(asked.body, /To continue, confirm it’s you/);
  const setup = await next(visitor, asked, { password: "right" });
  assert.match(setup.url, /\/account\/methods\/totp$/);
  secretOn(setup);
});

test("once there is a factor, adding, replacing and removing want that factor, not the password", async () => {
  const visitor = createVisitor();
  const { secret } = await withTotp(visitor, "cat");
  // Another session, a minute old, signed in with both.
  world.clock.advance(11 * 60_000);
  for (const path of ["totp", "totp/remove", "keys/new", "codes"]) {
    const page = await open(visitor, `/account/methods/${path}`);
    assert.match(page.body, /6-digit code/, path);
    assert.match(page.body, /value="cancel"/);
  }
  const proof = await open(visitor, "/account/methods/totp/remove");
  const confirm = await next(visitor, proof, { code: code(secret) });
  assert.match(confirm.url, /totp\/remove$/);
  assert.match(confirm.body, /This is your last second step/);
  const done = await next(visitor, confirm, {});
  assert.match(done.body, /Your authenticator app is off/);
  assert.ok(idp.log.some((line) => line.includes("spy delete_totp user=cat cid= entity= protocol=idp")));
  assert.ok(idp.log.some((line) => line.includes("spy delete_totp_recovery_codes user=cat")));
});

test("an action whose proof grew old meanwhile is done right after the new proof", async () => {
  const visitor = createVisitor();
  const { secret } = await withTotp(visitor, "dan");
  const confirm = await open(visitor, "/account/methods/totp/remove");
  assert.match(confirm.body, /Turn off your authenticator app/);
  world.clock.advance(11 * 60_000);
  const proof = await next(visitor, confirm, {});
  assert.match(proof.body, /6-digit code/);
  const done = await next(visitor, proof, { code: code(secret) });
  assert.match(done.body, /Your authenticator app is off/);
});

test("a session of one factor changes nothing of an account that has two", async () => {
  const owner = createVisitor();
  await withTotp(owner, "eve");
  const thief = createVisitor();
  const asked = await enter(thief, "eve");
  assert.match(asked.body, /6-digit code/);
  for (const path of [
    "/account",
    "/account/methods",
    "/account/methods/totp",
    "/account/sessions",
    "/account/activity.csv",
  ])
    assert.match((await open(thief, path)).body, /<h1[^>]*>Sign in/, path);
  const posted = await thief.post(at("/account/methods/totp/remove"), { csrf: "x" });
  assert.match(posted.location ?? "", /\/login\/account\//);
});

test("a form of another session, or without its token, changes nothing", async () => {
  const visitor = createVisitor();
  await withTotp(visitor, "fay");
  const answer = await visitor.post(at("/account/methods/totp/remove"), { csrf: "made-up" });
  assert.equal(answer.status, 403);
  assert.match((await open(visitor, "/account/methods")).body, /Codes from an app/);
});

async function optionsOf(visitor: Visitor, page: Visit): Promise<CreationOptions & RequestOptions> {
  const answer = await visitor.post(`${page.url}/options`, { csrf: page.field("csrf") });
  assert.equal(answer.status, 200, answer.body);
  return JSON.parse(answer.body) as CreationOptions & RequestOptions;
}

async function addKey(visitor: Visitor, key: Authenticator, name: string): Promise<Visit> {
  const page = await open(visitor, "/account/methods/keys/new");
  const named = await next(visitor, page, { answer: JSON.stringify(key.register(await optionsOf(visitor, page))) });
  if (codesOn(named).length > 0) await next(visitor, named, { saved: "on" });
  const methods = await open(visitor, "/account/methods");
  const path = [...methods.body.matchAll(/href="(\/account\/methods\/keys\/[^"/]+)">/g)].at(-1)?.[1] ?? "";
  return next(visitor, await open(visitor, path), { name });
}

test("keys are added, named, told apart, renamed and removed by their exact stored string", async () => {
  const visitor = createVisitor();
  await enter(visitor, "gil");
  const [first, second] = [createAuthenticator({ origin: idp.issuer }), createAuthenticator({ origin: idp.issuer })];
  assert.match((await addKey(visitor, first, "Work <laptop> 'x'")).body, /“Work laptop x” is its name now/);
  const both = await addKey(visitor, second, "Blue key");
  assert.match(both.body, /Work laptop x[\s\S]*never used[\s\S]*Blue key/);
  const again = await open(visitor, "/account/methods/keys/new");
  const options = await optionsOf(visitor, again);
  assert.throws(() => first.register(options), /InvalidStateError/);
  const removeHref = /href="(\/account\/methods\/keys\/[^"]+\/remove)"/.exec(both.body)?.[1] ?? "";
  const removed = await next(visitor, await open(visitor, removeHref), {});
  assert.match(removed.body, /“Work laptop x” was removed/);
  assert.match(removed.body, new RegExp(`data-passkeys="${second.credentials[0]?.id}"`));
  assert.doesNotMatch(removed.body, /<bdi>Work laptop/);
});

test("recovery codes are counted, regenerated, and the old ones die", async () => {
  const visitor = createVisitor();
  const { codes } = await withTotp(visitor, "hal");
  assert.match((await open(visitor, "/account/methods")).body, /10 codes left/);
  const shown = await open(visitor, "/account/methods/codes");
  const fresh = codesOn(shown);
  const file = await visitor.get(at("/account/methods/codes.txt"));
  assert.equal(file.body, fresh.map((one) => `${one}\n`).join(""));
  assert.match(file.headers.get("content-disposition") ?? "", /attachment/);
  await next(visitor, shown, { saved: "on" });
  assert.notDeepEqual(codesOn(await open(visitor, "/account/methods/codes")), fresh);
  const other = createVisitor();
  const use = async (typed: string): Promise<Visit> => {
    const chooser = await next(other, await enter(other, "hal"), { decision: "other" });
    return next(other, await next(other, chooser, { method: "recovery" }), { code: typed });
  };
  assert.match((await use(codes[0] ?? "")).body, /not right, or it was already used/);
  assert.match((await use(fresh[0] ?? "")).url, /\/account$/);
});

test("where you are signed in lists every browser, ends one and all others", async () => {
  const [here, there, third] = [createVisitor(), createVisitor(), createVisitor()];
  await enter(here, "ida");
  await enter(there, "ida");
  await enter(third, "ida");
  const list = await open(here, "/account/sessions");
  assert.equal([...list.body.matchAll(/\/account\/sessions\/[^"]+\/end"/g)].length, 3, "two others and all of them");
  const one = /href="(\/account\/sessions\/[^"]+\/end)"/.exec(list.body)?.[1] ?? "";
  assert.match((await next(here, await open(here, one), {})).body, /Signed out\./);
  const left = await next(here, await open(here, "/account/sessions/others/end"), {});
  assert.match(left.body, /1 browser was signed out/);
  for (const visitor of [there, third]) assert.match((await open(visitor, "/account")).body, /<h1[^>]*>Sign in/);
  assert.match((await open(here, "/account")).body, /Hello/);
});

test("nobody sees or ends another person's sessions, keys and access", async () => {
  const [owner, other] = [createVisitor(), createVisitor()];
  await enter(owner, "jan");
  await enter(other, "kim");
  const own = createVisitor();
  await enter(own, "jan");
  const target =
    /href="(\/account\/sessions\/[^"]+\/end)"/.exec((await open(owner, "/account/sessions")).body)?.[1] ?? "";
  assert.equal((await open(other, target)).status, 404);
  const token403 = (await open(other, "/account/sessions/others/end")).field("csrf");
  assert.equal((await other.post(at(target), { csrf: token403 })).status, 404);
  assert.match((await open(own, "/account")).body, /Hello/);
});

test("[39] connected apps list what was allowed, and removing one revokes its tokens", async () => {
  const visitor = createVisitor();
  const consent = await signInAt(visitor, "app", "lea");
  const allowed = await reply(visitor, consent, { decision: "allow", "scope.groups": "on" });
  const end = await follow(visitor, await visitor.get(new URL(allowed.handoff ?? "", idp.issuer).href), idp.issuer);
  const tokens = (await (await redeem(codeOf(end))).json()) as { access_token: string };
  const list = await open(visitor, "/account/apps");
  assert.match(list.body, /Test application[\s\S]*Your email address/);
  const href = /href="(\/account\/apps\/[^"]+\/remove)"/.exec(list.body)?.[1] ?? "";
  const removed = await next(visitor, await open(visitor, href), {});
  assert.match(removed.body, /Test application may not use your account any more/);
  const userinfo = await fetch(at("/oidc/userinfo"), { headers: { authorization: `Bearer ${tokens.access_token}` } });
  assert.equal(userinfo.status, 401);
  assert.match((await loginPage(visitor, "app")).body, /Allow <bdi>Test application/);
});

test("a trusted device is listed, and forgotten when its owner says so", async () => {
  const visitor = createVisitor();
  const { secret } = await withTotp(visitor, "mia");
  const other = createVisitor();
  await next(other, await enter(other, "mia"), { code: code(secret), trust: "on" });
  const list = await open(other, "/account/devices");
  assert.match(list.body, /This browser/);
  world.clock.advance(60_000);
  const again = await loginPage(other, "app", { prompt: "login" });
  assert.match((await next(other, again, { password: "right" })).body, /Allow|http-equiv="refresh"/);
  const href = /href="(\/account\/devices\/[^"]+\/remove)"/.exec(list.body)?.[1] ?? "";
  const proof = await open(other, href);
  const confirm = /6-digit/.test(proof.body) ? await next(other, proof, { code: code(secret) }) : proof;
  assert.match((await next(other, confirm, {})).body, /The device was removed/);
  assert.match(
    (await next(other, await loginPage(other, "app", { prompt: "login" }), { password: "right" })).body,
    /6-digit code/,
  );
});

test("what happened is written down for its owner, changes by somebody else as a notice", async () => {
  const [owner, other] = [createVisitor(), createVisitor()];
  const { secret, codes } = await withTotp(owner, "ned");
  assert.doesNotMatch((await open(owner, "/account")).body, /Something changed/);
  const chooser = await next(other, await enter(other, "ned"), { decision: "other" });
  await next(other, await next(other, chooser, { method: "recovery" }), { code: codes[5] ?? "" });
  const page = await open(owner, "/account");
  assert.match(page.body, /Something changed in your account[\s\S]*Recovery code used/);
  const seen = await owner.post(at("/account/notices"), { csrf: page.field("csrf"), was: "me" });
  assert.doesNotMatch((await follow(owner, seen, idp.issuer)).body, /Something changed/);
  const activity = await open(owner, "/account/activity");
  assert.match(activity.body, /Recovery code used[\s\S]*New recovery codes[\s\S]*Sign-in method added[\s\S]*Signed in/);
  assert.doesNotMatch(activity.body, new RegExp(`${secret}|${codes[5]}`));
  const csv = await owner.get(at("/account/activity.csv"));
  assert.match(csv.body, /^"\d{4}-[^"]+","Recovery code used"/m);
});

test("the operator's password pages are linked, and well-known addresses lead there", async () => {
  const visitor = createVisitor();
  await enter(visitor, "oli");
  const page = await open(visitor, "/account/methods");
  assert.match(page.body, /href="https:\/\/example\.org\/change"/);
  assert.match(page.body, /href="https:\/\/example\.org\/forgot"/);
  assert.equal((await visitor.get(at("/.well-known/change-password"))).location, "https://example.org/change");
  const endpoints = JSON.parse((await visitor.get(at("/.well-known/passkey-endpoints"))).body) as Record<
    string,
    string
  >;
  assert.equal(endpoints["enroll"], at("/account/methods/keys/new"));
});

test("factors that cannot be read are a temporary failure on the account pages, never an empty list", async () => {
  const visitor = createVisitor();
  const page = await open(visitor, "/account");
  const answer = await reply(visitor, page, { username: "brokenkeys", password: "right" });
  assert.equal(answer.status, 503);
});
