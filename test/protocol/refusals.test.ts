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
const { authorizeUrl, codeOf, redeem, signIn, token } = journeyOf(() => idp.issuer);

type Parameters = Readonly<Record<string, string>>;

/** What a refused authorization request gets: a page that goes nowhere, or an error at the registered address. */
async function authorize(
  url: string,
): Promise<{ status: number; error: string | undefined; to: string | undefined; body: string }> {
  const { status, location, body } = await createVisitor().get(url);
  const to = location === undefined ? undefined : location.split("?", 1)[0];
  return {
    status,
    to,
    error: location === undefined ? undefined : (new URL(location).searchParams.get("error") ?? undefined),
    body,
  };
}

const HOST = new URL(CALLBACK).host;
const REDIRECTS: readonly string[] = [
  "",
  `${CALLBACK}/`,
  `${CALLBACK}/../callback`,
  `${CALLBACK}?x=1`,
  `${CALLBACK}#x`,
  `${CALLBACK}%2f`,
  `${CALLBACK}%00`,
  `${CALLBACK}\\`,
  `${CALLBACK}/*`,
  ` ${CALLBACK}`,
  `${CALLBACK} `,
  `http://${HOST}.evil.example/callback`,
  `http://evil.example/callback`,
  `http://evil.example/${HOST}/callback`,
  `http://${HOST}@evil.example/callback`,
  `http://evil.example\\@${HOST}/callback`,
  `http://user@${HOST}/callback`,
  `//${HOST}/callback`,
  "http://127.0.0.1:9/CALLBACK",
  "HTTP://127.0.0.1:9/callback",
  "https://127.0.0.1:9/callback",
  "http://127.0.0.1:90/callback",
  "http://127.1:9/callback",
  "http://127。0。0。1:9/callback",
  "http://[::ffff:127.0.0.1]:9/callback",
  "javascript:alert(1)//",
  "data:text/html,x",
  "urn:ietf:wg:oauth:2.0:oob",
  `${CALLBACK}\r\nSet-Cookie: a=b`,
  `${CALLBACK},http://evil.example`,
  "__proto__",
  "null",
];

for (const uri of REDIRECTS) {
  test(`the redirect address ${JSON.stringify(uri)} gets a page that goes nowhere`, async () => {
    const { status, to, body } = await authorize(authorizeUrl("app", { redirect_uri: uri }));
    assert.equal(status, 400);
    assert.equal(to, undefined);
    assert.doesNotMatch(body, /evil|http-equiv="refresh"|javascript:|127\.1|oob/i);
  });
}

/** Refused at the registered address with this error. */
const SENT_BACK: Readonly<Record<string, readonly [Parameters, string]>> = {
  "no response_type": [{ response_type: "" }, "invalid_request"],
  "response_type=token": [{ response_type: "token" }, "unsupported_response_type"],
  "response_type=CODE": [{ response_type: "CODE" }, "unsupported_response_type"],
  "response_type=code id_token": [{ response_type: "code id_token" }, "unsupported_response_type"],
  "no code_challenge": [{ code_challenge: "" }, "invalid_request"],
  "code_challenge_method=plain": [{ code_challenge_method: "plain" }, "invalid_request"],
  "no code_challenge_method": [{ code_challenge_method: "" }, "invalid_request"],
  "a short code_challenge": [{ code_challenge: "short" }, "invalid_request"],
  "prompt=none without a session": [{ prompt: "none" }, "login_required"],
  "prompt=none login": [{ prompt: "none login" }, "invalid_request"],
  "prompt=nonsense": [{ prompt: "nonsense" }, "invalid_request"],
  "max_age=-1": [{ max_age: "-1" }, "invalid_request"],
  "max_age=NaN": [{ max_age: "NaN" }, "invalid_request"],
  "a request object": [{ request: "eyJhbGciOiJub25lIn0.e30." }, "request_not_supported"],
  "a request_uri": [{ request_uri: "http://127.0.0.1:9/trap" }, "request_uri_not_supported"],
  "claims that are no JSON": [{ claims: "{" }, "invalid_request"],
  "claims that are a list": [{ claims: "[]" }, "invalid_request"],
  "claims with __proto__": [{ claims: '{"id_token":"x"}' }, "invalid_request"],
  "a garbage id_token_hint": [{ id_token_hint: "garbage" }, "invalid_request"],
  "an unknown response_mode": [{ response_mode: "nonsense" }, "unsupported_response_mode"],
};

for (const [name, [parameters, error]] of Object.entries(SENT_BACK)) {
  test(`${name} is refused with ${error} at the registered address, with state and iss`, async () => {
    const url = new URL(authorizeUrl("app", parameters));
    for (const [key, value] of Object.entries(parameters)) if (value === "") url.searchParams.delete(key);
    const { location, status } = await createVisitor().get(url.href);
    assert.equal(status, 303);
    const back = new URL(location ?? "");
    assert.equal(back.origin + back.pathname, CALLBACK);
    // Errors of response types that answer in the fragment come there too (OAuth 2.0 Multiple Response Types, section 5).
    const answer = back.hash === "" ? back.searchParams : new URLSearchParams(back.hash.slice(1));
    assert.equal(answer.get("error"), error);
    assert.equal(answer.get("state"), "s");
    assert.equal(answer.get("iss"), idp.issuer);
  });
}

/** Refused on the spot. */
const IN_PLACE: Readonly<Record<string, () => string>> = {
  "an unknown client": () => authorizeUrl("stranger"),
  "no client": () => authorizeUrl(""),
  "__proto__ as client": () => authorizeUrl("__proto__"),
  "two client_ids": () => `${authorizeUrl("app")}&client_id=asking`,
  "two redirect_uris": () => `${authorizeUrl("app")}&redirect_uri=${encodeURIComponent(CALLBACK)}`,
  "redirect_uri as a list": () => authorizeUrl("app").replace("redirect_uri=", "redirect_uri%5B%5D="),
  "bytes that are no UTF-8": () => `${authorizeUrl("app", { redirect_uri: "x" })}%ff%c0%af`,
};

for (const [name, url] of Object.entries(IN_PLACE)) {
  test(`${name} ends on a page, nowhere else`, async () => {
    const { status, to, body } = await authorize(url());
    assert.ok(status >= 400 && status < 500, String(status));
    assert.equal(to, undefined);
    assert.doesNotMatch(body, /stranger|__proto__|    at /);
  });
}

test("a repeated parameter is refused, and hostile bytes never make a server error", async () => {
  assert.equal((await authorize(`${authorizeUrl("app")}&state=b`)).error ?? "page", "invalid_request");
  for (const value of ["\u0000", "\ud800", "%", "\r\nX: y", "<script>", "a".repeat(7_000), "{{7*7}}", "constructor"]) {
    const { status, body } = await authorize(
      authorizeUrl("app", { login_hint: value, ui_locales: value, scope: `openid ${value}` }),
    );
    assert.ok(status < 500, `${JSON.stringify(value.slice(0, 20))}: ${status}`);
    assert.doesNotMatch(body, /<script>/);
  }
});

test("state comes back byte for byte up to 6 KB", async () => {
  const state = `${"ä%20+&=\"'<".repeat(400)}end`;
  const { location } = await createVisitor().get(authorizeUrl("app", { prompt: "none", state }));
  assert.equal(new URL(location ?? "").searchParams.get("state"), state);
});

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
