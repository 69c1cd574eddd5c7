import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { realWorld } from "../../src/app/index.ts";
import { type Cookie, createVisitor, follow, type Jar, type Visitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";

const SESSION = "moonlatch_session";
const HOUR = 3_600_000;

const shift = { ms: 0 };
const real = realWorld();
const clock = { ...real.clock, now: () => real.clock.now() + shift.ms };

let idp: TestIdp;
const { authorizeUrl, codeOf, loginPage, redeem, signIn, submit } = journeyOf(() => idp.issuer);
before(async () => {
  const more = "login: { session: { idle: 2h, absolute: 5h } }";
  idp = await startIdp({ script: SCRIPT, oidc: OIDC, more, world: { ...real, clock } });
});
after(() => idp.stop());

/** A browser with its cookies in view. */
function browser(...cookies: readonly Cookie[]): { visitor: Visitor; jar: Jar } {
  const jar: Jar = new Map(cookies.map((cookie) => [`${cookie.path} ${cookie.name}`, cookie]));
  return { visitor: createVisitor(jar), jar };
}

const sessionOf = (jar: Jar): readonly Cookie[] => [...jar.values()].filter(({ name }) => name.startsWith(SESSION));
const idOf = (jar: Jar): string | undefined => jar.get(`/ ${SESSION}`)?.value;

/** Who a browser is to an application that asks silently: an account, or the error. */
async function whoIs(visitor: Visitor): Promise<string> {
  const answer = await visitor.get(authorizeUrl("app", { prompt: "none" }));
  const error = new URL(answer.location ?? "").searchParams.get("error");
  if (error !== null) return error;
  const { id_token: token } = (await (await redeem(codeOf(answer))).json()) as { id_token: string };
  return (JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { sub: string }).sub;
}

test("a session id somebody planted before the sign-in is worth nothing afterwards", async () => {
  const attacker = browser();
  await loginPage(attacker.visitor);
  const cookies = [...sessionOf(attacker.jar), { name: SESSION, value: "chosen-by-somebody-else", path: "/" }];
  const victim = browser(...cookies);
  await signIn(victim.visitor, "app", "victim");
  assert.equal(await whoIs(victim.visitor), "u-victim");
  assert.ok(!cookies.some(({ value }) => value === idOf(victim.jar)));
  for (const planted of [browser(...cookies), browser(...sessionOf(attacker.jar)), attacker])
    assert.equal(await whoIs(planted.visitor), "login_required");
});

test("whoever signs in over the session of somebody else does not share it with them", async () => {
  const attacker = browser();
  await signIn(attacker.visitor, "app", "attacker");
  const stolen = sessionOf(attacker.jar);
  assert.equal(stolen.length, 2);
  const victim = browser(...stolen);
  assert.equal(await whoIs(victim.visitor), "u-attacker");
  const page = await loginPage(victim.visitor, "app", { prompt: "select_account" });
  const other = await victim.visitor.post(page.url, { csrf: page.field("csrf"), decision: "switch" });
  const form = await follow(victim.visitor, other, idp.issuer);
  const answer = await submit(victim.visitor, form, "victim", "right");
  await follow(victim.visitor, await victim.visitor.get(new URL(answer.handoff ?? "", idp.issuer).href), idp.issuer);
  assert.equal(await whoIs(victim.visitor), "u-victim");
  assert.notEqual(idOf(victim.jar), stolen.find(({ name }) => name === SESSION)?.value);
  assert.notEqual(await whoIs(browser(...stolen).visitor), "u-victim");
});

test("a session cookie without its signature, or with another's, is nobody's", async () => {
  const { visitor, jar } = browser();
  await signIn(visitor);
  const [cookie, signature] = sessionOf(jar).toSorted((a, b) => a.name.length - b.name.length);
  assert.ok(cookie !== undefined && signature !== undefined && cookie.value.length * 6 >= 128);
  const other = browser();
  await signIn(other.visitor, "app", "somebody");
  const foreign = sessionOf(other.jar).filter(({ name }) => name.endsWith(".sig"));
  for (const cookies of [[cookie], [cookie, ...foreign], [cookie, { ...signature, value: "x" }]])
    assert.equal(await whoIs(browser(...cookies).visitor), "login_required");
  assert.equal(await whoIs(browser(cookie, signature).visitor), "u-demo");
});

test("the form token of another browser, or of another attempt, is refused", async () => {
  const [mine, theirs] = [createVisitor(), createVisitor()];
  const [page, foreign, second] = [await loginPage(mine), await loginPage(theirs), await loginPage(mine)];
  for (const csrf of [foreign.field("csrf"), second.field("csrf"), ""]) {
    const answer = await mine.post(page.url, { csrf, username: "demo", password: "right" });
    assert.equal(answer.status, 403);
    assert.equal(answer.headers.getSetCookie().length, 0);
  }
  assert.equal((await submit(mine, page, "demo", "right")).status, 200);
});

for (const [what, headers] of [
  ["another origin", { origin: "https://evil.example" }],
  ["an origin that ends like ours", { origin: "http://evil-localhost" }],
  ["another port of the host", { origin: "http://localhost:1" }],
  ["no origin, but the browser says cross-site", { origin: "null", "sec-fetch-site": "cross-site" }],
  ["a site beside ours", { "sec-fetch-site": "same-site" }],
] as const) {
  test(`a right form that comes from ${what} signs nobody in`, async () => {
    const visitor = createVisitor();
    const page = await loginPage(visitor);
    const fields = { csrf: page.field("csrf"), username: "demo", password: "right" };
    assert.equal((await visitor.post(page.url, fields, headers)).status, 403);
    assert.equal(await whoIs(visitor), "login_required");
  });
}

test("after the sign-out a copy of the cookie is worth nothing", async () => {
  const { visitor, jar } = browser();
  await signIn(visitor);
  const copy = sessionOf(jar);
  const page = await visitor.get(`${idp.issuer}/oidc/logout`);
  await visitor.post(`${idp.issuer}/oidc/logout/confirm`, { xsrf: page.field("xsrf"), logout: "yes" });
  assert.equal(await whoIs(browser(...copy).visitor), "login_required");
  assert.equal(await whoIs(visitor), "login_required");
});

test("a session nobody used for the idle time is over, whatever the browser still sends", async () => {
  const { visitor, jar } = browser();
  await signIn(visitor);
  shift.ms += 1.5 * HOUR;
  assert.equal(await whoIs(visitor), "u-demo");
  const copy = sessionOf(jar);
  shift.ms += 2.5 * HOUR;
  assert.equal(await whoIs(browser(...copy).visitor), "login_required");
});

test("a session that is always used ends with its absolute time", async () => {
  const { visitor } = browser();
  await signIn(visitor);
  for (let turn = 0; turn < 4; turn += 1) {
    shift.ms += 1.2 * HOUR;
    assert.equal(await whoIs(visitor), "u-demo", `after ${turn + 1} turns`);
  }
  shift.ms += 0.5 * HOUR;
  assert.equal(await whoIs(visitor), "login_required");
});
