import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { exportJWK, generateKeyPair } from "jose";
import * as client from "openid-client";
import { createVisitor, follow, type Visitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { SCRIPT } from "../support/journey.ts";

const CALLBACK = "http://127.0.0.1:9/callback";
const AFTER = "http://127.0.0.1:9/after";
const SECRET = "a-secret-of-the-test-application";

let idp: TestIdp;
let privateKey: client.CryptoKey;
before(async () => {
  const pair = await generateKeyPair("ES256", { extractable: true });
  privateKey = pair.privateKey;
  const jwk = { ...(await exportJWK(pair.publicKey)), alg: "ES256", use: "sig", kid: "k1" };
  const common = `redirect_uris: ["${CALLBACK}"], post_logout_redirect_uris: ["${AFTER}"], grant_types: [authorization_code, refresh_token], skip_consent: true`;
  idp = await startIdp({
    script: SCRIPT,
    oidc: `  clients:
    - { client_id: public, token_endpoint_auth_method: none, ${common} }
    - { client_id: basic, client_secret: ${SECRET}, ${common} }
    - { client_id: post, client_secret: ${SECRET}, token_endpoint_auth_method: client_secret_post, ${common} }
    - { client_id: keys, token_endpoint_auth_method: private_key_jwt, jwks: { keys: [${JSON.stringify(jwk)}] }, ${common} }
    - { client_id: pair, client_secret: ${SECRET}, subject_type: pairwise, id_token_signed_response_alg: ES256, ${common} }`,
  });
});
after(() => idp.stop());

const methods: Readonly<Record<string, () => client.ClientAuth>> = {
  public: () => client.None(),
  basic: () => client.ClientSecretBasic(SECRET),
  post: () => client.ClientSecretPost(SECRET),
  keys: () => client.PrivateKeyJwt({ key: privateKey, kid: "k1" }),
  pair: () => client.ClientSecretBasic(SECRET),
};

async function discover(id: string): Promise<client.Configuration> {
  const config = await client.discovery(new URL(idp.issuer), id, undefined, methods[id]?.(), {
    execute: [client.allowInsecureRequests],
  });
  return config;
}

interface Asked {
  readonly visitor: Visitor;
  readonly scope?: string;
  readonly more?: Readonly<Record<string, string>>;
}

/** The whole sign-in as the client library sees it; every answer is validated by it. */
async function signIn(config: client.Configuration, { visitor, scope = "openid profile email", more = {} }: Asked) {
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope,
    state,
    nonce,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    ...more,
  });
  let at = await follow(visitor, await visitor.get(url.href), idp.issuer);
  if (at.status === 200) {
    at = await visitor.post(at.url, { csrf: at.field("csrf"), username: "demo", password: "right" });
    at = await follow(visitor, await visitor.get(new URL(at.handoff ?? "", idp.issuer).href), idp.issuer);
  }
  return client.authorizationCodeGrant(config, new URL(at.location ?? ""), {
    pkceCodeVerifier: verifier,
    expectedState: state,
    expectedNonce: nonce,
    idTokenExpected: true,
  });
}

for (const id of Object.keys(methods)) {
  test(`openid-client as "${id}" signs in, reads userinfo, revokes and signs out`, async () => {
    const config = await discover(id);
    if (id === "pair") client.enableNonRepudiationChecks(config);
    const visitor = createVisitor();
    const tokens = await signIn(config, { visitor });
    const claims = tokens.claims();
    assert.ok(claims !== undefined);
    assert.equal(id === "pair", claims.sub !== "u-demo");
    const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub);
    assert.equal(userinfo["email"], "demo@example.org");
    if (id !== "public") {
      assert.equal((await client.tokenIntrospection(config, tokens.access_token)).active, true);
    }
    await client.tokenRevocation(config, tokens.access_token);
    await assert.rejects(client.fetchUserInfo(config, tokens.access_token, claims.sub));

    const end = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? "",
      post_logout_redirect_uri: AFTER,
      state: "bye",
    });
    const confirm = await visitor.get(end.href);
    const left = await visitor.post(`${idp.issuer}/oidc/logout/confirm`, {
      xsrf: confirm.field("xsrf"),
      logout: "yes",
    });
    assert.equal(left.handoff, `${AFTER}?state=bye`);
    const silent = await visitor.get(
      client.buildAuthorizationUrl(config, {
        redirect_uri: CALLBACK,
        scope: "openid",
        prompt: "none",
        code_challenge: "x".repeat(43),
        code_challenge_method: "S256",
      }).href,
    );
    assert.equal(new URL(silent.location ?? "").searchParams.get("error"), "login_required");
  });
}

test("signing out without a session goes straight back to the application", async () => {
  const config = await discover("basic");
  const tokens = await signIn(config, { visitor: createVisitor() });
  const end = client.buildEndSessionUrl(config, {
    id_token_hint: tokens.id_token ?? "",
    post_logout_redirect_uri: AFTER,
    state: "bye",
  });
  const answer = await createVisitor().get(end.href);
  assert.equal(answer.handoff ?? answer.location, `${AFTER}?state=bye`);
  const plain = await createVisitor().get(`${idp.issuer}/oidc/logout`);
  assert.match(plain.body, /You are signed out/);
});

test("one sign-in serves every application of the browser", async () => {
  const visitor = createVisitor();
  const first = await signIn(await discover("basic"), { visitor });
  const second = await signIn(await discover("keys"), { visitor, more: { prompt: "none" } });
  assert.equal(first.claims()?.sub, second.claims()?.sub);
  assert.equal(first.claims()?.["auth_time"], second.claims()?.["auth_time"]);
});

test("max_age=0 asks for the password again, and login_hint fills in the name", async () => {
  const visitor = createVisitor();
  const config = await discover("basic");
  await signIn(config, { visitor });
  const parameters = {
    redirect_uri: CALLBACK,
    scope: "openid",
    code_challenge: "x".repeat(43),
    code_challenge_method: "S256",
  };
  const again = await follow(
    visitor,
    await visitor.get(client.buildAuthorizationUrl(config, { ...parameters, max_age: "0" }).href),
    idp.issuer,
  );
  assert.match(again.body, /confirm it’s you/);
  const stranger = createVisitor();
  const hinted = await follow(
    stranger,
    await stranger.get(client.buildAuthorizationUrl(config, { ...parameters, login_hint: "somebody" }).href),
    idp.issuer,
  );
  assert.match(hinted.body, /value="somebody"/);
});

test("another account in the same browser takes over cleanly: its own subject, nobody else's claims", async () => {
  const visitor = createVisitor();
  const config = await discover("basic");
  await signIn(config, { visitor });
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: "openid email",
    prompt: "login",
    code_challenge: await client.calculatePKCECodeChallenge("v".repeat(43)),
    code_challenge_method: "S256",
  });
  const known = await follow(visitor, await visitor.get(url.href), idp.issuer);
  const switched = await follow(
    visitor,
    await visitor.post(known.url, { csrf: known.field("csrf"), decision: "switch" }),
    idp.issuer,
  );
  const answer = await visitor.post(switched.url, {
    csrf: switched.field("csrf"),
    username: "editor",
    password: "right",
  });
  const at = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href), idp.issuer);
  const tokens = await client.authorizationCodeGrant(config, new URL(at.location ?? ""), {
    pkceCodeVerifier: "v".repeat(43),
    idTokenExpected: true,
  });
  assert.equal(tokens.claims()?.sub, "u-editor");
  assert.equal((await client.fetchUserInfo(config, tokens.access_token, "u-editor"))["email"], "editor@example.org");
});
