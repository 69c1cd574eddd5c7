import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { createVisitor, follow, type Visitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf, SCRIPT } from "../support/journey.ts";
import { claimsOf, SECRET, send } from "../support/oauth.ts";

/** Ann changed her name; the name she had belongs to somebody else now; one identifier is longer than a `sub` may be. */
const NAMES = `
local ids = { ann = "17", ["ann-wed"] = "17", ["ann-new"] = "18", long = string.rep("x", 400), foreign = "ünïcödé" }`;

let idp: TestIdp;
const { authorizeUrl, codeOf, loginPage, redeem, submit } = journeyOf(() => idp.issuer);
before(async () => {
  const common = `client_secret: ${SECRET}, skip_consent: true`;
  idp = await startIdp({
    script:
      NAMES +
      SCRIPT.replace('uid = "u-" .. request.username', 'uid = ids[request.username] or ("u-" .. request.username)'),
    oidc: `  clients:
    - { client_id: app, redirect_uris: ["${CALLBACK}"], ${common} }
    - { client_id: es, redirect_uris: ["${CALLBACK}"], id_token_signed_response_alg: ES256, ${common} }
    - { client_id: pair, redirect_uris: ["${CALLBACK}"], subject_type: pairwise, ${common} }
    - { client_id: pair2, redirect_uris: ["${CALLBACK}"], subject_type: pairwise, ${common} }
    - { client_id: pair3, redirect_uris: ["https://other.example.org/callback"], subject_type: pairwise, ${common} }`,
  });
});
after(() => idp.stop());

type Claims = Readonly<Record<string, unknown>>;

interface Asked {
  readonly client?: string;
  readonly username?: string;
  readonly visitor?: Visitor;
  readonly more?: Readonly<Record<string, string>>;
}

/** Signs in, or goes on with the session the visitor has, and redeems the code. */
async function tokenFor({
  client = "app",
  username = "demo",
  visitor = createVisitor(),
  more = {},
}: Asked = {}): Promise<string> {
  let at = await loginPage(visitor, client, more);
  if (at.status === 200) {
    const answer = await submit(visitor, at, username, "right");
    at = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href), idp.issuer);
  }
  const answer = await redeem(codeOf(at), client);
  return ((await answer.json()) as { id_token: string }).id_token;
}

const claimsFor = async (asked: Asked = {}): Promise<Claims> => claimsOf(await tokenFor(asked));

async function verify(token: string, client: string) {
  const keys = (await send(`${idp.issuer}/oidc/jwks`)).json as unknown as JSONWebKeySet;
  return jwtVerify(token, createLocalJWKSet(keys), { issuer: idp.issuer, audience: client });
}

for (const [client, alg] of [
  ["app", "RS256"],
  ["es", "ES256"],
] as const) {
  test(`[25] the ID token of "${client}" is signed with ${alg}, for it alone, for a day at most, and carries its nonce`, async () => {
    const { payload, protectedHeader } = await verify(await tokenFor({ client, more: { nonce: "n-1" } }), client);
    assert.equal(protectedHeader.alg, alg);
    assert.equal(payload.aud, client);
    assert.equal(payload["nonce"], "n-1");
    assert.ok((payload.exp ?? 0) - (payload.iat ?? 0) <= 86_400);
    assert.ok(Math.abs((payload.iat ?? 0) - Date.now() / 1000) < 30);
  });
}

test("[25] an ID token with a changed claim, or read for another application, does not verify", async () => {
  const token = await tokenFor();
  const [header = "", payload = "", signature = ""] = token.split(".");
  const changed = Buffer.from(JSON.stringify({ ...claimsOf(token), sub: "u-admin" })).toString("base64url");
  await verify(`${header}.${payload}.${signature}`, "app");
  await assert.rejects(verify(`${header}.${changed}.${signature}`, "app"));
  await assert.rejects(verify(token, "es"));
});

test("[25] [27] a sub is the identifier and not the name, at most 255 ASCII characters, and different for different people", async () => {
  const subjects = new Set<string>();
  for (const username of ["demo", "long", "foreign"]) {
    const sub = String((await claimsFor({ username }))["sub"]);
    assert.match(sub, /^[\x21-\x7e]{1,255}$/);
    assert.notEqual(sub, username);
    subjects.add(sub);
  }
  assert.equal(subjects.size, 3);
});

test("[27] a person keeps the sub through a change of name, and whoever gets the former name gets another one", async () => {
  const first = (await claimsFor({ username: "ann" }))["sub"];
  assert.equal((await claimsFor({ username: "ann-wed" }))["sub"], first);
  assert.notEqual((await claimsFor({ username: "ann-new" }))["sub"], first);
});

test("[27] a pairwise sub is stable, one per host, and tells nothing of the public one", async () => {
  const pair = (await claimsFor({ client: "pair" }))["sub"];
  assert.equal((await claimsFor({ client: "pair" }))["sub"], pair);
  assert.equal((await claimsFor({ client: "pair2" }))["sub"], pair);
  assert.notEqual((await claimsFor({ client: "pair", username: "editor" }))["sub"], pair);
  assert.notEqual((await claimsFor())["sub"], pair);
  assert.doesNotMatch(String(pair), /demo/);
});

for (const more of [{ prompt: "login" }, { max_age: "0" }, { prompt: "login", max_age: "3600" }]) {
  test(`[13] ${JSON.stringify(more)} asks somebody who is signed in for the password, and auth_time tells of it`, async () => {
    const visitor = createVisitor();
    await tokenFor({ visitor });
    const page = await loginPage(visitor, "app", more);
    assert.equal(page.status, 200);
    assert.match(page.body, /id="password"/);
    const asked = Math.floor(Date.now() / 1000);
    const claims = await claimsFor({ visitor, more });
    assert.ok(Number(claims["auth_time"]) >= asked - 1, String(claims["auth_time"]));
    const silent = new URL(
      (await visitor.get(authorizeUrl("app", { ...more, prompt: "none", max_age: "0" }))).location ?? "",
    );
    assert.equal(silent.searchParams.get("error"), "login_required");
  });
}

test("[13] a sign-in that max_age allows is used, with the auth_time of then", async () => {
  const visitor = createVisitor();
  const first = await claimsFor({ visitor, more: { max_age: "3600" } });
  const second = await claimsFor({ visitor, more: { max_age: "3600", prompt: "none" } });
  assert.equal(typeof first["auth_time"], "number");
  assert.equal(second["auth_time"], first["auth_time"]);
});

for (const wish of [
  "urn:moonlatch:level:2",
  "urn:moonlatch:level:3",
  "https://refeds.org/profile/mfa",
  "phr",
  "phrh",
  "garbage",
  "__proto__",
]) {
  test(`[26] acr_values=${wish} after a password alone is level 1 and pwd, whoever asks`, async () => {
    const claims = await claimsFor({ more: { acr_values: wish } });
    assert.equal(claims["acr"], "urn:moonlatch:level:1");
    assert.deepEqual(claims["amr"], ["pwd"]);
  });
}

test("[21] an id_token_hint of another issuer's key, or for another application, is no hint", async () => {
  const visitor = createVisitor();
  const token = await tokenFor({ visitor });
  const [header = "", , signature = ""] = token.split(".");
  const forged = `${header}.${Buffer.from(JSON.stringify({ ...claimsOf(token), sub: "u-editor" })).toString("base64url")}.${signature}`;
  for (const hint of [forged, `${token}x`, await tokenFor({ client: "es" })]) {
    const { location } = await visitor.get(authorizeUrl("app", { id_token_hint: hint, prompt: "none" }));
    const answer = new URL(location ?? "").searchParams;
    assert.equal(answer.get("error"), "invalid_request");
  }
  codeOf(await visitor.get(authorizeUrl("app", { id_token_hint: token, prompt: "none" })));
});

test("[21] with prompt=none an id_token_hint of somebody else is login_required, and never that person's code", async () => {
  const visitor = createVisitor();
  await tokenFor({ visitor });
  const hint = await tokenFor({ username: "editor" });
  const { location } = await visitor.get(authorizeUrl("app", { id_token_hint: hint, prompt: "none" }));
  assert.equal(new URL(location ?? "").searchParams.get("error"), "login_required");
});
