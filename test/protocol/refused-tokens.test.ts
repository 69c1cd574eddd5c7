import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { UnsecuredJWT } from "jose";
import { realWorld } from "../../src/app/index.ts";
import { createVisitor, follow, type Visitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf, SCRIPT } from "../support/journey.ts";
import { type Answer, basic, post, SECRET, send } from "../support/oauth.ts";

const shift = { ms: 0 };
const real = realWorld();
const world = { ...real, clock: { ...real.clock, now: () => real.clock.now() + shift.ms } };

const OTHER_CALLBACK = "http://127.0.0.1:9/other";
let idp: TestIdp;
before(async () => {
  const common = `client_secret: ${SECRET}, redirect_uris: ["${CALLBACK}", "${OTHER_CALLBACK}"], grant_types: [authorization_code, refresh_token]`;
  idp = await startIdp({
    script: SCRIPT,
    world,
    oidc: `  clients:
    - { client_id: app, skip_consent: true, ${common} }
    - { client_id: other, skip_consent: true, ${common} }
    - { client_id: public, skip_consent: true, token_endpoint_auth_method: none, redirect_uris: ["${CALLBACK}"] }`,
  });
});
after(() => idp.stop());
const { authorizeUrl, codeOf, loginPage, redeem, signIn, submit, token } = journeyOf(() => idp.issuer);

interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly id_token: string;
}

const OFFLINE = { scope: "openid email offline_access", prompt: "consent" };

async function offlineTokens(visitor: Visitor = createVisitor()): Promise<Tokens> {
  const answer = await submit(visitor, await loginPage(visitor, "app", OFFLINE), "demo", "right");
  const consent = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href), idp.issuer);
  const fields = { csrf: consent.field("csrf"), decision: "allow", "scope.offline_access": "on" };
  const allowed = await visitor.post(consent.url, fields);
  const code = codeOf(await visitor.get(new URL(allowed.handoff ?? "", idp.issuer).href));
  return (await (await redeem(code)).json()) as Tokens;
}

async function tokens(visitor: Visitor = createVisitor()): Promise<Tokens> {
  return (await (await redeem(codeOf(await signIn(visitor)))).json()) as Tokens;
}

const userinfo = (access: string): Promise<Answer> =>
  send(`${idp.issuer}/oidc/userinfo`, { headers: { authorization: `Bearer ${access}` } });
const refresh = (refreshToken: string, more: Readonly<Record<string, string>> = {}, client = "app"): Promise<Answer> =>
  post(
    `${idp.issuer}/oidc/token`,
    { grant_type: "refresh_token", refresh_token: refreshToken, ...more },
    basic(client),
  );
const as = (client: string, path: string, value: string, hint = ""): Promise<Answer> =>
  post(
    `${idp.issuer}/oidc/${path}`,
    { token: value, ...(hint === "" ? {} : { token_type_hint: hint }) },
    basic(client),
  );

function assertRefused({ status, json, text }: Answer, error = "invalid_grant"): void {
  assert.deepEqual([status, json["error"]], [400, error], text);
}

for (const [name, fields] of [
  ["the password grant", { grant_type: "password", username: "demo", password: "right" }],
  ["the client credentials grant", { grant_type: "client_credentials" }],
  ["the implicit grant", { grant_type: "implicit" }],
  ["an unknown grant", { grant_type: "urn:example:unknown" }],
] as const) {
  test(`[6] ${name} is unsupported_grant_type`, async () =>
    assertRefused(await post(`${idp.issuer}/oidc/token`, fields, basic("app")), "unsupported_grant_type"));
}

/** What is sent instead of the right fields. */
const MISMATCHES: Readonly<Record<string, () => Readonly<Record<string, string>>>> = {
  "[5] another verifier": () => ({ code_verifier: "w".repeat(43) }),
  "[5] no verifier": () => ({ code_verifier: "" }),
  "[5] a short verifier": () => ({ code_verifier: "w" }),
  "[5] the challenge as verifier": () => ({
    code_verifier: new URL(authorizeUrl("app")).searchParams.get("code_challenge") ?? "",
  }),
  "[31] another registered redirect address": () => ({ redirect_uri: OTHER_CALLBACK }),
  "[31] a redirect address with a slash more": () => ({ redirect_uri: `${CALLBACK}/` }),
  "[31] no redirect address": () => ({ redirect_uri: "" }),
};

for (const [name, change] of Object.entries(MISMATCHES)) {
  test(`${name} gets no tokens for a code`, async () => {
    const answer = await redeem(codeOf(await signIn(createVisitor())), "app", change());
    assert.equal(answer.status, 400);
    assert.match(((await answer.json()) as { error: string }).error, /^invalid_(?:grant|request)$/);
  });
}

test("[5] [31] fields that are left out are no better than empty ones", async () => {
  const code = async () => codeOf(await signIn(createVisitor()));
  const grant = { grant_type: "authorization_code" };
  for (const fields of [
    { ...grant, code: await code(), redirect_uri: CALLBACK },
    { ...grant, code: await code(), code_verifier: "v".repeat(43) },
    { ...grant, redirect_uri: CALLBACK, code_verifier: "v".repeat(43) },
  ])
    assert.equal((await token(fields)).status, 400);
});

test("[31] a code is long, good for its application alone and for a minute", async () => {
  const code = codeOf(await signIn(createVisitor()));
  assert.ok(code.length * 6 >= 128, code);
  assert.equal((await redeem(code, "other")).status, 400);
  const late = codeOf(await signIn(createVisitor()));
  shift.ms += 76_000;
  const answer = await redeem(late);
  assert.equal(answer.status, 400);
  assert.equal(((await answer.json()) as { error: string }).error, "invalid_grant");
});

test("[29] a code used twice takes its tokens with it", async () => {
  const code = codeOf(await signIn(createVisitor()));
  const { access_token: access } = (await (await redeem(code)).json()) as Tokens;
  assert.equal((await userinfo(access)).status, 200);
  assert.equal((await redeem(code)).status, 400);
  assert.equal((await userinfo(access)).status, 401);
  assert.deepEqual((await as("app", "introspect", access)).json, { active: false });
});

test("[29] a code that another application tries does not cost its owner the tokens", async () => {
  const code = codeOf(await signIn(createVisitor()));
  assert.equal((await redeem(code, "other")).status, 400);
  assert.equal((await redeem(code)).status, 200);
});

test("[36] answers with tokens or claims are never kept", async () => {
  const answer = await redeem(codeOf(await signIn(createVisitor())));
  assert.equal(answer.headers.get("cache-control"), "no-store");
  const { access_token: access } = (await answer.json()) as Tokens;
  for (const { headers } of [await userinfo(access), await userinfo("x"), await as("app", "introspect", access)])
    assert.equal(headers.get("cache-control"), "no-store");
});

test("[38] of eight parallel refreshes with one token one succeeds at most, and the family is over afterwards", async () => {
  const { refresh_token: value, access_token: access } = await offlineTokens();
  const answers = await Promise.all(Array.from({ length: 8 }, () => refresh(value)));
  const won = answers.filter(({ status }) => status === 200);
  assert.ok(won.length <= 1, String(won.length));
  for (const answer of answers) if (answer.status !== 200) assertRefused(answer);
  assertRefused(await refresh(value));
  for (const { json } of won) assertRefused(await refresh(String(json["refresh_token"])));
  assert.equal((await userinfo(access)).status, 401);
});

test("[38] a refresh token is good for its application alone, and is spent by being used", async () => {
  const { refresh_token: value } = await offlineTokens();
  assertRefused(await refresh(value, {}, "other"));
  const next = await refresh(value);
  assert.equal(next.status, 200);
  assert.notEqual(next.json["refresh_token"], value);
  assertRefused(await refresh(value));
  assertRefused(await refresh(String(next.json["refresh_token"])));
});

test("[39] a refresh cannot ask for more than was granted", async () => {
  const { refresh_token: value } = await offlineTokens();
  for (const scope of ["openid email offline_access profile", "openid groups", "admin"])
    assertRefused(await refresh(value, { scope }), "invalid_scope");
  const narrow = await refresh(value, { scope: "openid" });
  assert.equal(narrow.json["scope"], "openid");
  const info = await userinfo(String(narrow.json["access_token"]));
  assert.equal("email" in info.json, false);
});

test("[39] what was granted without offline_access is over with the session it belongs to", async () => {
  const visitor = createVisitor();
  const { access_token: access } = await tokens(visitor);
  assert.equal((await userinfo(access)).status, 200);
  const page = await visitor.get(`${idp.issuer}/oidc/logout`);
  await visitor.post(`${idp.issuer}/oidc/logout/confirm`, { xsrf: page.field("xsrf"), logout: "yes" });
  assert.equal((await userinfo(access)).status, 401);
});

test("[40] userinfo takes an access token in the header, one at a time, and says how to ask", async () => {
  const all = await offlineTokens();
  const access = all.access_token;
  const url = `${idp.issuer}/oidc/userinfo`;
  const header = (value: string) => send(url, { headers: { authorization: value } });
  const refused: Readonly<Record<string, Answer>> = {
    "no token": await send(url),
    "an empty token": await header("Bearer "),
    garbage: await header("Bearer garbage"),
    "an ID token": await header(`Bearer ${all.id_token}`),
    "a refresh token": await header(`Bearer ${all.refresh_token}`),
    "a token with something after it": await header(`Bearer ${access}x`),
    "a token of another case": await header(`Bearer ${access.toUpperCase()}`),
    "two tokens in the header": await header(`Bearer ${access} ${access}`),
    "another scheme": await header(`Basic ${access}`),
    "the DPoP scheme": await header(`DPoP ${access}`),
    "a token in the query": await send(`${url}?access_token=${access}`),
    "a token in the header and in the form": await post(
      url,
      { access_token: access },
      { authorization: `Bearer ${access}` },
    ),
    "a token twice in the form": await post(url, `access_token=${access}&access_token=${access}`),
    "[3] an unsigned JWT": await header(
      `Bearer ${new UnsecuredJWT({ scope: "openid", client_id: "app" }).setIssuer(idp.issuer).setSubject("u-demo").setExpirationTime("1h").encode()}`,
    ),
  };
  for (const [name, { status, headers, text }] of Object.entries(refused)) {
    assert.ok(status === 400 || status === 401, `${name}: ${status}`);
    assert.match(headers.get("www-authenticate") ?? "", /^(?:Bearer|DPoP)/, name);
    assert.doesNotMatch(text, /demo@example\.org/, name);
  }
  assert.equal((await userinfo(access)).json["email"], "demo@example.org");
});

test("[41] introspection answers applications that prove who they are, about their own tokens", async () => {
  const { access_token: access, refresh_token: value, id_token: idToken } = await offlineTokens();
  for (const one of [access, value]) {
    assert.equal((await as("app", "introspect", one)).json["active"], true);
    assert.deepEqual((await as("other", "introspect", one)).json, { active: false });
  }
  assert.equal((await post(`${idp.issuer}/oidc/introspect`, { token: access })).status, 400);
  assert.equal((await post(`${idp.issuer}/oidc/introspect`, { token: access, client_id: "app" })).status, 401);
  assert.equal((await post(`${idp.issuer}/oidc/introspect`, { token: access }, basic("app", "wrong"))).status, 401);
  assert.deepEqual((await post(`${idp.issuer}/oidc/introspect`, { token: access, client_id: "public" })).json, {
    active: false,
  });
  for (const one of ["garbage", "__proto__"])
    assert.deepEqual((await as("app", "introspect", one)).json, { active: false });
  assert.equal((await as("app", "introspect", idToken)).json["error"], "unsupported_token_type");
  assert.deepEqual((await as("app", "introspect", access, "__proto__")).json["active"], true);
});

test("[42] revocation works at once and for one's own tokens; an unknown one is 200 as well", async () => {
  const { access_token: access, refresh_token: value } = await offlineTokens();
  for (const one of [access, value]) {
    await as("other", "revoke", one);
    assert.equal((await as("app", "introspect", one)).json["active"], true);
  }
  assert.equal((await as("app", "revoke", "unknown")).status, 200);
  assert.equal((await as("app", "revoke", access)).status, 200);
  assert.equal((await userinfo(access)).status, 401);
  assert.deepEqual((await as("app", "introspect", access)).json, { active: false });
  const others = await offlineTokens();
  assert.equal((await as("app", "revoke", others.refresh_token)).status, 200);
  assertRefused(await refresh(others.refresh_token));
  assert.equal((await userinfo(others.access_token)).status, 401);
  assert.equal((await post(`${idp.issuer}/oidc/revoke`, { token: "x" })).status, 400);
});

test("[37] no foreign page reads an answer with the person's cookies, and none reads the authorization endpoint", async () => {
  const { access_token: access } = await tokens();
  const origin = "https://evil.example";
  const asked = (path: string, init: RequestInit = {}) =>
    send(`${idp.issuer}${path}`, {
      ...init,
      headers: { origin, ...(init.headers as Record<string, string> | undefined) },
    });
  const preflight = {
    method: "OPTIONS",
    headers: { "access-control-request-method": "POST", "access-control-request-headers": "authorization" },
  };
  const bearer = { headers: { authorization: `Bearer ${access}` } };
  const answers: Readonly<Record<string, Answer>> = {
    token: await asked("/oidc/token", { method: "POST", headers: basic("app") }),
    "token, asked before": await asked("/oidc/token", preflight),
    userinfo: await asked("/oidc/userinfo", bearer),
    "userinfo, asked before": await asked("/oidc/userinfo", preflight),
    introspection: await asked("/oidc/introspect", { method: "POST", headers: basic("app") }),
    revocation: await asked("/oidc/revoke", { method: "POST", headers: basic("app") }),
    keys: await asked("/oidc/jwks"),
    metadata: await asked("/.well-known/openid-configuration"),
    authorization: await asked(new URL(authorizeUrl("app", { prompt: "none" })).href.slice(idp.issuer.length)),
    "authorization, asked before": await asked("/oidc/authorize", preflight),
    logout: await asked("/oidc/logout"),
  };
  for (const [name, { headers }] of Object.entries(answers)) {
    assert.equal(headers.get("access-control-allow-credentials"), null, name);
    if (/^(?:authorization|logout)/.test(name)) assert.equal(headers.get("access-control-allow-origin"), null, name);
  }
  for (const name of ["token", "userinfo", "introspection", "revocation"])
    assert.equal(answers[name]?.headers.get("access-control-allow-origin"), null, name);
});
