import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { createLocalJWKSet, generateKeyPair, type JSONWebKeySet, jwtVerify, SignJWT, UnsecuredJWT } from "jose";
import { realWorld } from "../../src/app/index.ts";
import { createVisitor, follow, type Visit, type Visitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf, SCRIPT } from "../support/journey.ts";
import { claimsOf, SECRET, send } from "../support/oauth.ts";
import { startTrap, type Trap, type TrapAnswer } from "../support/trap.ts";

const AFTER = "http://127.0.0.1:9/after";
const shift = { ms: 0 };
const real = realWorld();
const world = { ...real, clock: { ...real.clock, now: () => real.clock.now() + shift.ms } };

/** What the application answers to a back-channel message; by default it is content. */
const application: { answer: () => TrapAnswer | undefined } = { answer: () => ({ status: 200 }) };
let trap: Trap;
let inside: Trap;
let idp: TestIdp;
before(async () => {
  trap = await startTrap(() => application.answer());
  inside = await startTrap();
  const common = `client_secret: ${SECRET}, skip_consent: true, redirect_uris: ["${CALLBACK}"]`;
  idp = await startIdp({
    script: SCRIPT,
    world,
    more: "outgoing: { allow: [localhost] }",
    oidc: `  clients:
    - { client_id: app, client_name: "<b>The app</b>", post_logout_redirect_uris: ["${AFTER}"], ${common} }
    - { client_id: other, post_logout_redirect_uris: ["https://other.example.org/after"], ${common} }
    - { client_id: told, backchannel_logout_uri: "${trap.origin}/out", backchannel_logout_session_required: true, ${common} }
    - { client_id: inside, backchannel_logout_uri: "${inside.origin.replace("localhost", "127.0.0.1")}/out", ${common} }`,
  });
});
after(async () => {
  trap.stop();
  inside.stop();
  await idp.stop();
});
beforeEach(() => {
  application.answer = () => ({ status: 200 });
});
const { authorizeUrl, codeOf, redeem, signIn } = journeyOf(() => idp.issuer);

async function signedIn(client = "app"): Promise<{ visitor: Visitor; idToken: string }> {
  const visitor = createVisitor();
  const { id_token: idToken } = (await (await redeem(codeOf(await signIn(visitor, client)), client)).json()) as {
    id_token: string;
  };
  return { visitor, idToken };
}

const logoutUrl = (query: Readonly<Record<string, string>>): string =>
  `${idp.issuer}/oidc/logout?${new URLSearchParams(query).toString()}`;

const confirm = (
  visitor: Visitor,
  page: Visit,
  more: Readonly<Record<string, string>> = { logout: "yes" },
): Promise<Visit> => visitor.post(`${idp.issuer}/oidc/logout/confirm`, { xsrf: page.field("xsrf"), ...more });

async function isSignedIn(visitor: Visitor): Promise<boolean> {
  const { location } = await visitor.get(authorizeUrl("app", { prompt: "none" }));
  return new URL(location ?? "").searchParams.has("code");
}

const FOREIGN = [
  "https://evil.example/",
  `${AFTER}/`,
  `${AFTER}?x=1`,
  `${AFTER}#x`,
  `${AFTER}%00`,
  `${AFTER}.evil.example`,
  "http://127.0.0.1:9/AFTER",
  "https://127.0.0.1:9/after",
  "//127.0.0.1:9/after",
  "https://other.example.org/after",
  CALLBACK,
  "javascript:alert(1)",
  "data:text/html,x",
];

for (const uri of FOREIGN) {
  test(`[46] a sign-out is never sent on to ${JSON.stringify(uri)}`, async () => {
    const { visitor, idToken } = await signedIn();
    for (const who of [{ client_id: "app" }, { id_token_hint: idToken }]) {
      const page = await visitor.get(logoutUrl({ ...who, post_logout_redirect_uri: uri }));
      assert.equal(page.status, 400, page.body);
      assert.equal(page.location, undefined);
      assert.equal(page.handoff, undefined);
      assert.doesNotMatch(page.body, /evil|example\.org|javascript:|127\.0/);
    }
    assert.ok(await isSignedIn(visitor));
  });
}

test("[46] without an application nobody vouches for the address, and it is forgotten", async () => {
  const { visitor } = await signedIn();
  const page = await visitor.get(logoutUrl({ post_logout_redirect_uri: AFTER, state: "s" }));
  assert.equal(page.status, 200);
  const left = await confirm(visitor, page);
  assert.ok(!(left.handoff ?? "").includes("/after"), left.handoff);
  const alone = await createVisitor().get(logoutUrl({ post_logout_redirect_uri: AFTER }));
  assert.equal(alone.handoff, undefined);
});

test("[46] a bare GET ends nothing: it asks, also with a hint, and a page of another site cannot answer for the person", async () => {
  const { visitor, idToken } = await signedIn();
  const pages = [
    await visitor.get(`${idp.issuer}/oidc/logout`),
    await visitor.get(logoutUrl({ id_token_hint: idToken })),
  ];
  for (const page of pages) assert.match(page.body, /name="logout" value="yes"/);
  for (const xsrf of ["", "x".repeat(48), "__proto__"]) {
    const answer = await visitor.post(`${idp.issuer}/oidc/logout/confirm`, { xsrf, logout: "yes" });
    assert.equal(answer.status, 400);
  }
  const stranger = createVisitor();
  await stranger.get(`${idp.issuer}/oidc/logout`);
  assert.equal((await confirm(stranger, pages[1] as Visit)).status, 400);
  assert.ok(await isSignedIn(visitor));
  const page = await visitor.get(logoutUrl({ id_token_hint: idToken, post_logout_redirect_uri: AFTER, state: "bye" }));
  assert.equal((await confirm(visitor, page)).handoff, `${AFTER}?state=bye`);
  assert.equal(await isSignedIn(visitor), false);
});

test("[46] what an application and a request say is text on the page", async () => {
  const { visitor } = await signedIn();
  const page = await visitor.get(
    logoutUrl({
      client_id: "app",
      post_logout_redirect_uri: AFTER,
      state: '"><script>alert(1)</script>',
      ui_locales: "<i>",
      logout_hint: "<i>x",
    }),
  );
  assert.equal(page.status, 200);
  assert.match(page.body, /&lt;b&gt;The app/);
  assert.doesNotMatch(page.body, /<b>The app|<script>alert|<i>/);
  const left = await confirm(visitor, page);
  assert.doesNotMatch(left.body, /<script>alert|"><script/);
  assert.equal(new URL(left.handoff ?? "").searchParams.get("state"), '"><script>alert(1)</script>');
});

test("[3] [46] a hint that is forged, unsigned, garbage or another application's ends on a page, and the session lives", async () => {
  const { visitor, idToken } = await signedIn();
  const { privateKey } = await generateKeyPair("RS256");
  const claims = { iss: idp.issuer, aud: "app", sub: "u-demo" };
  const hints = [
    await new SignJWT(claims).setProtectedHeader({ alg: "RS256" }).setExpirationTime("1m").sign(privateKey),
    await new SignJWT(claims)
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(SECRET.padEnd(32, "x"))),
    new UnsecuredJWT(claims).encode(),
    "garbage",
    `${idToken}x`,
  ];
  for (const hint of hints) assert.equal((await visitor.get(logoutUrl({ id_token_hint: hint }))).status, 400);
  assert.equal((await visitor.get(logoutUrl({ id_token_hint: idToken, client_id: "other" }))).status, 400);
  assert.equal((await visitor.get(logoutUrl({ client_id: "stranger" }))).status, 400);
  assert.equal((await visitor.get(`${logoutUrl({ client_id: "app" })}&client_id=other`)).status, 400);
  assert.ok(await isSignedIn(visitor));
});

async function signOut(visitor: Visitor): Promise<Visit> {
  const left = await confirm(visitor, await visitor.get(`${idp.issuer}/oidc/logout`));
  return left.handoff === undefined
    ? left
    : follow(visitor, await visitor.get(new URL(left.handoff, idp.issuer).href), idp.issuer);
}

const tokenOf = (index: number): string => new URLSearchParams(trap.received.at(index)?.body).get("logout_token") ?? "";

test("[47] a logout token is signed, names the event, the session and the person, has no nonce and is good for minutes", async () => {
  const { visitor, idToken } = await signedIn("told");
  await signOut(visitor);
  const keys = (await send(`${idp.issuer}/oidc/jwks`)).json as unknown as JSONWebKeySet;
  const { payload, protectedHeader } = await jwtVerify(tokenOf(-1), createLocalJWKSet(keys), {
    issuer: idp.issuer,
    audience: "told",
  });
  assert.equal(protectedHeader.alg, "RS256");
  assert.equal(protectedHeader.typ, "logout+jwt");
  assert.deepEqual(payload["events"], { "http://schemas.openid.net/event/backchannel-logout": {} });
  assert.equal(payload["nonce"], undefined);
  assert.equal(payload.sub, "u-demo");
  assert.equal(payload["sid"], claimsOf(idToken)["sid"]);
  assert.equal(typeof payload.jti, "string");
  assert.ok((payload.exp ?? Infinity) - (payload.iat ?? 0) <= 300);
  assert.equal(trap.received.at(-1)?.method, "POST");
});

test("[47] an application that redirects is not followed, and an address inside the network is not reached", async () => {
  application.answer = () => ({ status: 307, headers: { location: `${inside.origin}/stolen` } });
  const { visitor } = await signedIn("told");
  await signIn(createVisitor(), "inside");
  await visitor.get(authorizeUrl("inside"));
  await signOut(visitor);
  assert.deepEqual(inside.received, []);
  assert.equal(await isSignedIn(visitor), false);
  assert.equal((await send(`${inside.origin}/`)).status, 200);
});

test("[47] an application that never answers holds nobody up for long, and the person is signed out", async () => {
  application.answer = () => undefined;
  const { visitor } = await signedIn("told");
  const begun = performance.now();
  await signOut(visitor);
  assert.ok(performance.now() - begun < 10_000);
  assert.equal(await isSignedIn(visitor), false);
});

test("[47] an application that could not be told is told again, with a token of its own, until it hears it", {
  timeout: 30_000,
}, async (t) => {
  const { visitor, idToken } = await signedIn("told");
  const { sid } = claimsOf(idToken);
  const tokens = () =>
    trap.received
      .map(({ body }) => new URLSearchParams(body).get("logout_token") ?? "")
      .filter((token) => claimsOf(token)["sid"] === sid);
  application.answer = () => ({ status: 500 });
  await signOut(visitor);
  assert.equal(tokens().length, 1);
  for (const status of [503, 200]) {
    application.answer = () => ({ status });
    const seen = tokens().length;
    shift.ms += 60_000;
    while (tokens().length === seen) {
      t.signal.throwIfAborted();
      await real.clock.sleep(50);
    }
  }
  const heard = tokens();
  assert.equal(heard.length, 3);
  assert.equal(new Set(heard.map((token) => claimsOf(token)["jti"])).size, 3);
});
