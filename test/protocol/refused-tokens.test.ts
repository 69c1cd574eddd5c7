import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { generateKeyPair, SignJWT, UnsecuredJWT } from "jose";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf, OIDC, SCRIPT } from "../support/journey.ts";

let idp: TestIdp;
before(async () => {
  idp = await startIdp({ script: SCRIPT, oidc: OIDC });
});
after(() => idp.stop());
const { codeOf, redeem, signIn, token } = journeyOf(() => idp.issuer);

const BASIC = `Basic ${Buffer.from("app:a-secret-of-the-test-application").toString("base64")}`;
const FORM = "application/x-www-form-urlencoded";
const raw = (init: RequestInit) => fetch(`${idp.issuer}/oidc/token`, { redirect: "manual", ...init });

const TOKEN: Readonly<Record<string, readonly [() => Promise<Response>, readonly number[], string]>> = {
  "a wrong secret": [
    () =>
      raw({
        method: "POST",
        headers: { authorization: `Basic ${btoa("app:wrong")}` },
        body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: "x" }),
      }),
    [401],
    "invalid_client",
  ],
  "an unknown client": [
    () =>
      raw({
        method: "POST",
        headers: { authorization: `Basic ${btoa("stranger:wrong")}` },
        body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: "x" }),
      }),
    [401],
    "invalid_client",
  ],
  "no client at all": [
    () => raw({ method: "POST", body: new URLSearchParams({ grant_type: "refresh_token", refresh_token: "x" }) }),
    [400, 401],
    "invalid_",
  ],
  "two ways to authenticate": [
    () =>
      raw({
        method: "POST",
        headers: { authorization: BASIC },
        body: new URLSearchParams({
          grant_type: "refresh_token",
          refresh_token: "x",
          client_id: "app",
          client_secret: "a-secret-of-the-test-application",
        }),
      }),
    [400, 401],
    "invalid_",
  ],
  "a malformed Authorization header": [
    () =>
      raw({
        method: "POST",
        headers: { authorization: "Basic %%%" },
        body: new URLSearchParams({ grant_type: "refresh_token" }),
      }),
    [400, 401],
    "invalid_",
  ],
  "the password grant": [
    () => token({ grant_type: "password", username: "demo", password: "right" }),
    [400],
    "unsupported_grant_type",
  ],
  "the client_credentials grant": [() => token({ grant_type: "client_credentials" }), [400], "un"],
  "grant_type=__proto__": [() => token({ grant_type: "__proto__" }), [400], "unsupported_grant_type"],
  "a made-up code": [
    () =>
      token({
        grant_type: "authorization_code",
        code: "__proto__",
        redirect_uri: CALLBACK,
        code_verifier: "v".repeat(43),
      }),
    [400],
    "invalid_grant",
  ],
  "a made-up refresh token": [
    () => token({ grant_type: "refresh_token", refresh_token: "constructor" }),
    [400],
    "invalid_grant",
  ],
  JSON: [
    () => raw({ method: "POST", headers: { authorization: BASIC, "content-type": "application/json" }, body: "{}" }),
    [400],
    "invalid_request",
  ],
  "a multipart form": [
    () =>
      raw({
        method: "POST",
        headers: { authorization: BASIC, "content-type": "multipart/form-data; boundary=x" },
        body: "--x--",
      }),
    [400],
    "invalid_request",
  ],
  "an empty body": [
    () => raw({ method: "POST", headers: { authorization: BASIC, "content-type": FORM } }),
    [400],
    "invalid_request",
  ],
  "a parameter twice": [
    () =>
      raw({
        method: "POST",
        headers: { authorization: BASIC, "content-type": FORM },
        body: "grant_type=refresh_token&grant_type=refresh_token",
      }),
    [400],
    "invalid_request",
  ],
  "a client assertion without a signature": [
    () =>
      assertion(
        new UnsecuredJWT({})
          .setIssuer("app")
          .setSubject("app")
          .setAudience(idp.issuer)
          .setExpirationTime("1m")
          .encode(),
      ),
    [400, 401],
    "invalid_client",
  ],
};

async function assertion(jwt: string): Promise<Response> {
  return raw({
    method: "POST",
    body: new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: "x",
      client_id: "app",
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: jwt,
    }),
  });
}

for (const [name, [send, statuses, error]] of Object.entries(TOKEN)) {
  test(`the token endpoint refuses ${name}`, async () => {
    const answer = await send();
    const body = (await answer.json()) as { error: string };
    assert.ok(statuses.includes(answer.status), `${answer.status} ${JSON.stringify(body)}`);
    assert.ok(body.error.startsWith(error), body.error);
    assert.equal(answer.headers.get("cache-control"), "no-store");
  });
}

test("GET at the token endpoint is refused", async () =>
  assert.ok([404, 405].includes((await raw({ method: "GET" })).status)));

test("a code is bound to its client, its redirect address and its verifier", async () => {
  const fresh = async () => codeOf(await signIn(createVisitor()));
  const grant = { grant_type: "authorization_code", redirect_uri: CALLBACK };
  assert.equal((await redeem(await fresh(), "editors")).status, 400);
  assert.equal(
    (await token({ ...grant, code: await fresh(), redirect_uri: `${CALLBACK}/`, code_verifier: "v".repeat(43) }))
      .status,
    400,
  );
  assert.equal((await token({ ...grant, code: await fresh(), code_verifier: "w".repeat(43) })).status, 400);
  assert.equal((await token({ ...grant, code: await fresh() })).status, 400);
});

test("a code used twice takes its tokens with it", async () => {
  const code = codeOf(await signIn(createVisitor()));
  const { access_token: access } = (await (await redeem(code)).json()) as { access_token: string };
  const userinfo = () => fetch(`${idp.issuer}/oidc/userinfo`, { headers: { authorization: `Bearer ${access}` } });
  assert.equal((await userinfo()).status, 200);
  assert.equal((await redeem(code)).status, 400);
  assert.equal((await userinfo()).status, 401);
});

test("userinfo refuses no token, garbage, an ID token and a token in the query, and says how to ask", async () => {
  const code = codeOf(await signIn(createVisitor()));
  const tokens = (await (await redeem(code)).json()) as { access_token: string; id_token: string };
  const ask = (query: string, headers: Readonly<Record<string, string>>) =>
    fetch(`${idp.issuer}/oidc/userinfo${query}`, { headers });
  for (const answer of [
    await ask("", {}),
    await ask("", { authorization: "Bearer garbage" }),
    await ask("", { authorization: `Bearer ${tokens.id_token}` }),
    await ask(`?access_token=${tokens.access_token}`, {}),
  ]) {
    assert.ok([400, 401].includes(answer.status));
    assert.ok(answer.headers.has("www-authenticate"));
  }
});

test("another client's token is inactive to introspection and survives revocation", async () => {
  const { access_token: access } = (await (await redeem(codeOf(await signIn(createVisitor())))).json()) as {
    access_token: string;
  };
  const as = (client: string, path: string) =>
    fetch(`${idp.issuer}/oidc/${path}`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa(`${client}:a-secret-of-the-test-application`)}` },
      body: new URLSearchParams({ token: access }),
    });
  assert.deepEqual(await (await as("editors", "introspect")).json(), { active: false });
  await as("editors", "revoke");
  assert.equal(((await (await as("app", "introspect")).json()) as { active: boolean }).active, true);
  assert.equal((await as("app", "revoke")).status, 200);
  assert.deepEqual(await (await as("app", "introspect")).json(), { active: false });
  assert.equal(
    (await fetch(`${idp.issuer}/oidc/introspect`, { method: "POST", body: new URLSearchParams({ token: access }) }))
      .status >= 400,
    true,
  );
});

test("the published keys hold nothing private", async () => {
  const { keys } = (await (await fetch(`${idp.issuer}/oidc/jwks`)).json()) as { keys: Record<string, unknown>[] };
  assert.deepEqual(
    keys.map((key) => key["alg"]),
    ["RS256", "ES256", "EdDSA"],
  );
  assert.equal(new Set(keys.map((key) => key["kid"])).size, 3);
  for (const key of keys) for (const name of ["d", "p", "q", "dp", "dq", "qi", "k"]) assert.equal(name in key, false);
});

test("an id_token_hint signed by somebody else is refused at sign-out, and an unregistered address is not followed", async () => {
  const { privateKey } = await generateKeyPair("RS256");
  const forged = await new SignJWT({})
    .setProtectedHeader({ alg: "RS256" })
    .setIssuer(idp.issuer)
    .setAudience("app")
    .setSubject("u-demo")
    .setExpirationTime("1m")
    .sign(privateKey);
  const visitor = createVisitor();
  assert.equal((await visitor.get(`${idp.issuer}/oidc/logout?id_token_hint=${forged}`)).status, 400);
  const page = await visitor.get(
    `${idp.issuer}/oidc/logout?client_id=app&post_logout_redirect_uri=https://evil.example/`,
  );
  assert.equal(page.status, 400);
  assert.equal(page.location, undefined);
});
