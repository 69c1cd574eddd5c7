import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { UnsecuredJWT } from "jose";
import { realWorld } from "../../src/app/index.ts";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf, SCRIPT } from "../support/journey.ts";
import { type Answer, basic, post, SECRET, send } from "../support/oauth.ts";

const shift = { ms: 0 };
const real = realWorld();
const world = { ...real, clock: { ...real.clock, now: () => real.clock.now() + shift.ms } };
let idp: TestIdp;
/** Signed in: a request that is taken gets a code at once. */
const visitor = createVisitor();
before(async () => {
  const common = `redirect_uris: ["${CALLBACK}"], skip_consent: true`;
  idp = await startIdp({
    script: SCRIPT,
    world,
    oidc: `  clients:
    - { client_id: app, client_secret: ${SECRET}, ${common} }
    - { client_id: other, client_secret: ${SECRET}, ${common} }
    - { client_id: strict, client_secret: ${SECRET}, require_pushed_authorization_requests: true, ${common} }
    - { client_id: public, token_endpoint_auth_method: none, ${common} }`,
  });
  await signIn(visitor);
});
after(() => idp.stop());
const { authorizeUrl, codeOf, redeem, signIn } = journeyOf(() => idp.issuer);

type Fields = Readonly<Record<string, string>>;

const requestOf = (client: string, more: Fields = {}): Fields =>
  Object.fromEntries(new URL(authorizeUrl(client, more)).searchParams);

function push(fields: Fields | string, headers: Fields = basic("app")): Promise<Answer> {
  return post(`${idp.issuer}/oidc/par`, fields, headers);
}

async function pushed(client = "app", more: Fields = {}): Promise<string> {
  const { status, json, text } = await push(requestOf(client, more), basic(client));
  assert.equal(status, 201, text);
  return String(json["request_uri"]);
}

/** What comes of going to the authorization endpoint with a pushed request. */
async function authorize(requestUri: string, client = "app", more: Fields = {}) {
  const query = new URLSearchParams({ client_id: client, request_uri: requestUri, ...more });
  const visit = await visitor.get(`${idp.issuer}/oidc/authorize?${query.toString()}`);
  const answer = visit.location === undefined ? undefined : new URL(visit.location);
  return {
    visit,
    code: answer?.searchParams.get("code") ?? undefined,
    error: answer?.searchParams.get("error") ?? undefined,
  };
}

test("a pushed request is answered like one that came with the browser", async () => {
  const requestUri = await pushed();
  assert.match(requestUri, /^urn:ietf:params:oauth:request_uri:[\w-]{22,}$/);
  const { visit, code } = await authorize(requestUri);
  assert.ok(visit.location?.startsWith(`${CALLBACK}?`));
  assert.equal((await redeem(code ?? "")).status, 200);
});

test("[43] a wrong secret, none, an unknown application and somebody else's name are refused", async () => {
  for (const [client, secret] of [
    ["app", "wrong"],
    ["stranger", SECRET],
  ] as const) {
    const { status, json } = await push(requestOf(client), basic(client, secret));
    assert.deepEqual([status, json["error"]], [401, "invalid_client"]);
  }
  assert.equal((await push(requestOf("app"), {})).status, 401);
  assert.equal((await push(requestOf("other"), basic("app"))).status, 400);
  const { client_id: _, ...nobody } = requestOf("app");
  assert.equal((await push(nobody, {})).status, 400);
  assert.equal((await push(requestOf("public"), {})).status, 201);
});

/** Refused as the authorization endpoint would. */
const REFUSED: Readonly<Record<string, Fields>> = {
  "a foreign redirect address": { redirect_uri: "https://evil.example/callback" },
  "a redirect address with a slash more": { redirect_uri: `${CALLBACK}/` },
  "no redirect address": { redirect_uri: "" },
  "response_type=token": { response_type: "token" },
  "no code_challenge": { code_challenge: "" },
  "code_challenge_method=plain": { code_challenge_method: "plain" },
  "prompt=none login": { prompt: "none login" },
  "max_age=-1": { max_age: "-1" },
  "claims that are no JSON": { claims: "{" },
  "an unknown response_mode": { response_mode: "nonsense" },
  "a request_uri": { request_uri: "urn:ietf:params:oauth:request_uri:x" },
  "a request object": { request: new UnsecuredJWT({ client_id: "app" }).encode() },
};
for (const [name, change] of Object.entries(REFUSED)) {
  test(`[43] ${name} is refused where it is pushed`, async () => {
    const { status, json, headers } = await push(requestOf("app", change));
    assert.equal(status, 400);
    assert.match(
      String(json["error"]),
      /^(?:invalid_request|unsupported_response_type|unsupported_response_mode|request_not_supported|request_uri_not_supported)$/,
    );
    assert.equal(json["request_uri"], undefined);
    assert.equal(headers.get("cache-control"), "no-store");
  });
}

test("[43] a parameter twice, JSON and GET are refused", async () => {
  const twice = `${new URLSearchParams(requestOf("app")).toString()}&state=b`;
  assert.equal((await push(twice)).json["error"], "invalid_request");
  const json = { ...basic("app"), "content-type": "application/json" };
  assert.equal((await send(`${idp.issuer}/oidc/par`, { method: "POST", headers: json, body: "{}" })).status, 400);
  assert.ok([404, 405].includes((await send(`${idp.issuer}/oidc/par`)).status));
});

test("[43] a pushed request is good once, also for two that come together", async () => {
  const requestUri = await pushed();
  assert.notEqual((await authorize(requestUri)).code, undefined);
  const second = await authorize(requestUri);
  assert.equal(second.code, undefined);
  const parallel = await pushed();
  const answers = await Promise.all(Array.from({ length: 6 }, () => authorize(parallel)));
  assert.equal(answers.filter(({ code }) => code !== undefined).length, 1);
  for (const { visit } of answers) assert.ok(visit.status < 500);
});

test("[43] a pushed request is its application's alone", async () => {
  const requestUri = await pushed();
  for (const client of ["other", "public", "stranger"]) {
    const { code, visit } = await authorize(requestUri, client);
    assert.equal(code, undefined);
    assert.ok(visit.status === 400 || visit.status === 303);
  }
  assert.notEqual((await authorize(requestUri)).code, undefined);
});

test("[43] parameters beside a pushed request change nothing of it", async () => {
  const requestUri = await pushed("app", { state: "pushed" });
  const { visit, code } = await authorize(requestUri, "app", {
    redirect_uri: "https://evil.example/",
    state: "evil",
    scope: "openid",
  });
  assert.ok(visit.location?.startsWith(`${CALLBACK}?`), visit.location);
  assert.notEqual(code, undefined);
  assert.equal(new URL(visit.location ?? "").searchParams.get("state"), "pushed");
});

test("[43] a pushed request lives for 90 seconds at most, and guesses find none", async () => {
  const { json } = await push(requestOf("app"));
  assert.ok(Number(json["expires_in"]) <= 90);
  const requestUri = String(json["request_uri"]);
  for (const guess of ["", "x", "__proto__", requestUri.slice(-22).toLowerCase(), `${requestUri.slice(-22)}x`]) {
    const { code, error, visit } = await authorize(`urn:ietf:params:oauth:request_uri:${guess}`);
    assert.equal(code, undefined);
    assert.ok(visit.status === 400 || error !== undefined);
  }
  shift.ms += 91_000;
  assert.equal((await authorize(requestUri)).code, undefined);
});

test("[43] an application that has to push its requests cannot send them with the browser", async () => {
  const { location, status } = await visitor.get(authorizeUrl("strict"));
  const error = location === undefined ? status : new URL(location).searchParams.get("error");
  assert.ok(error === 400 || error === "invalid_request", String(error));
  const { code } = await authorize(await pushed("strict"), "strict");
  assert.notEqual(code, undefined);
  codeOf(await visitor.get(authorizeUrl("app")));
});
