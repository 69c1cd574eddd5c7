import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CompactEncrypt, SignJWT, UnsecuredJWT } from "jose";
import { createVisitor, follow } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf, OIDC, SCRIPT } from "../support/journey.ts";
import { claimsOf, SECRET } from "../support/oauth.ts";
import { startTrap, type Trap } from "../support/trap.ts";

let idp: TestIdp;
/** Signed in: what is not refused would get a code at once. */
const visitor = createVisitor();
/** A server that a `request_uri` points to. */
let trap: Trap;
before(async () => {
  trap = await startTrap();
  idp = await startIdp({ script: SCRIPT, oidc: OIDC });
  await signIn(visitor);
});
after(async () => {
  trap.stop();
  await idp.stop();
});
const { authorizeUrl, codeOf, redeem, signIn } = journeyOf(() => idp.issuer);

type Parameters = Readonly<Record<string, string | undefined>>;

/** The authorization request with some parameters changed, or left out where they are `undefined`. */
function requestUrl(changes: Parameters): string {
  const url = new URL(authorizeUrl("app"));
  for (const [key, value] of Object.entries(changes)) {
    if (value === undefined) url.searchParams.delete(key);
    else url.searchParams.set(key, value);
  }
  return url.href;
}

/** The answer at the registered address; errors of response types that answer in the fragment come there (Multiple Response Types, section 5). */
function answerOf(location: string | undefined): URLSearchParams {
  const back = new URL(location ?? "");
  assert.equal(back.origin + back.pathname, CALLBACK);
  return back.hash === "" ? back.searchParams : new URLSearchParams(back.hash.slice(1));
}

const deep = (levels: number): string => `${'{"id_token":'.repeat(levels)}{}${"}".repeat(levels)}`;
const PLAIN = { client_id: "app", response_type: "code", redirect_uri: "https://evil.example/", scope: "openid" };

/** Refused at the registered address with this error. */
const SENT_BACK: Readonly<Record<string, readonly [Parameters, string]>> = {
  "[4] no code_challenge": [{ code_challenge: undefined, code_challenge_method: undefined }, "invalid_request"],
  "[4] a code_challenge_method without a code_challenge": [{ code_challenge: undefined }, "invalid_request"],
  "[4] code_challenge_method=plain": [{ code_challenge_method: "plain" }, "invalid_request"],
  "[4] code_challenge_method=s256": [{ code_challenge_method: "s256" }, "invalid_request"],
  "[4] code_challenge_method=S512": [{ code_challenge_method: "S512" }, "invalid_request"],
  "[4] no code_challenge_method": [{ code_challenge_method: undefined }, "invalid_request"],
  "[4] a short code_challenge": [{ code_challenge: "short" }, "invalid_request"],
  "[4] a code_challenge of 129 characters": [{ code_challenge: "x".repeat(129) }, "invalid_request"],
  "[4] a code_challenge with a space": [{ code_challenge: `${"x".repeat(42)} ` }, "invalid_request"],
  "[4] a code_challenge that is padded": [{ code_challenge: `${"x".repeat(42)}=` }, "invalid_request"],
  "[6] response_type=token": [{ response_type: "token" }, "unsupported_response_type"],
  "[6] response_type=id_token": [{ response_type: "id_token" }, "unsupported_response_type"],
  "[6] response_type=id_token token": [{ response_type: "id_token token" }, "unsupported_response_type"],
  "[6] response_type=code id_token": [{ response_type: "code id_token" }, "unsupported_response_type"],
  "[6] response_type=code token": [{ response_type: "code token" }, "unsupported_response_type"],
  "[6] response_type=code id_token token": [{ response_type: "code id_token token" }, "unsupported_response_type"],
  "[10] no response_type": [{ response_type: undefined }, "invalid_request"],
  "[10] an empty response_type": [{ response_type: "" }, "invalid_request"],
  "[10] response_type=CODE": [{ response_type: "CODE" }, "unsupported_response_type"],
  "[10] response_type=none": [{ response_type: "none" }, "unsupported_response_type"],
  "[10] response_type=__proto__": [{ response_type: "__proto__" }, "unsupported_response_type"],
  "[12] prompt=none login": [{ prompt: "none login" }, "invalid_request"],
  "[12] prompt=none consent": [{ prompt: "none consent" }, "invalid_request"],
  "[12] prompt=nonsense": [{ prompt: "nonsense" }, "invalid_request"],
  "[12] prompt=NONE": [{ prompt: "NONE" }, "invalid_request"],
  "[12] prompt=login nonsense": [{ prompt: "login nonsense" }, "invalid_request"],
  "[14] max_age=-1": [{ max_age: "-1" }, "invalid_request"],
  "[14] max_age=NaN": [{ max_age: "NaN" }, "invalid_request"],
  "[14] max_age=1.5": [{ max_age: "1.5" }, "invalid_request"],
  "[14] max_age=1e400": [{ max_age: "1e400" }, "invalid_request"],
  "[14] max_age=99999999999999999999": [{ max_age: "99999999999999999999" }, "invalid_request"],
  "[17] a request_uri of the web": [{ request_uri: "https://evil.example/request.jwt" }, "request_uri_not_supported"],
  "[17] a request_uri of a file": [{ request_uri: "file:///etc/passwd" }, "request_uri_not_supported"],
  "[17] a request beside a request_uri": [{ request: "e30.e30.", request_uri: "x" }, "request_not_supported"],
  "[18] an unsigned request object": [{ request: new UnsecuredJWT(PLAIN).encode() }, "request_not_supported"],
  "[18] a request object that is plain JSON": [{ request: JSON.stringify(PLAIN) }, "request_not_supported"],
  "[18] a request object that is garbage": [{ request: "garbage" }, "request_not_supported"],
  "[20] claims that are no JSON": [{ claims: "{" }, "invalid_request"],
  "[20] claims that are a list": [{ claims: "[]" }, "invalid_request"],
  "[20] claims that are null": [{ claims: "null" }, "invalid_request"],
  "[20] claims that are a text": [{ claims: '"id_token"' }, "invalid_request"],
  "[20] claims whose id_token is a text": [{ claims: '{"id_token":"x"}' }, "invalid_request"],
  "[20] claims whose userinfo is a list": [{ claims: '{"userinfo":[]}' }, "invalid_request"],
  "[20] claims with neither id_token nor userinfo": [{ claims: "{}" }, "invalid_request"],
  "[20] claims with only __proto__": [{ claims: '{"__proto__":{"id_token":{}}}' }, "invalid_request"],
  "[20] claims with only constructor": [{ claims: '{"constructor":{"prototype":{"x":1}}}' }, "invalid_request"],
  "[21] a garbage id_token_hint": [{ id_token_hint: "garbage" }, "invalid_request"],
  "[3] [21] an unsigned id_token_hint": [
    {
      id_token_hint: new UnsecuredJWT({})
        .setIssuer("https://evil.example")
        .setAudience("app")
        .setSubject("u-demo")
        .encode(),
    },
    "invalid_request",
  ],
  "[22] an unknown response_mode": [{ response_mode: "nonsense" }, "unsupported_response_mode"],
  "[22] response_mode=web_message": [{ response_mode: "web_message" }, "unsupported_response_mode"],
  "[22] response_mode=__proto__": [{ response_mode: "__proto__" }, "unsupported_response_mode"],
};

for (const [name, [changes, error]] of Object.entries(SENT_BACK)) {
  test(`${name} is refused with ${error} at the registered address, with state and [16] iss`, async () => {
    const { location, status } = await visitor.get(requestUrl(changes));
    assert.equal(status, 303);
    const answer = answerOf(location);
    assert.equal(answer.get("error"), error);
    assert.equal(answer.get("code"), null);
    assert.equal(answer.get("state"), "s");
    assert.equal(answer.get("iss"), idp.issuer);
  });
}

test("[18] request objects that are encrypted, or signed with the application's secret, are refused like all others", async () => {
  const secret = new TextEncoder().encode(SECRET.padEnd(32, "x").slice(0, 32));
  const signed = await new SignJWT(PLAIN).setProtectedHeader({ alg: "HS256" }).setIssuer("app").sign(secret);
  const encrypted = await new CompactEncrypt(new TextEncoder().encode(signed))
    .setProtectedHeader({ alg: "dir", enc: "A256GCM" })
    .encrypt(secret);
  for (const request of [signed, encrypted]) {
    const { location } = await visitor.get(requestUrl({ request }));
    assert.equal(answerOf(location).get("error"), "request_not_supported");
  }
});

test("[17] a request_uri is never fetched, whatever it looks like", async () => {
  for (const uri of [
    `${trap.origin}/request.jwt`,
    `${trap.origin}/request.jwt#urn:ietf:params:oauth:request_uri:x`,
    `urn:ietf:params:oauth:request_uri:${trap.origin}/request.jwt`,
  ])
    assert.match(
      answerOf((await visitor.get(requestUrl({ request_uri: uri }))).location).get("error") ?? "",
      /request_uri/,
    );
  assert.equal((await fetch(`${trap.origin}/request.jwt`)).status, 200);
  assert.equal(trap.received.length, 1);
});

const REPEATED = [
  "response_type",
  "scope",
  "state",
  "nonce",
  "code_challenge",
  "code_challenge_method",
  "prompt",
  "max_age",
  "acr_values",
  "claims",
  "login_hint",
  "id_token_hint",
  "response_mode",
  "ui_locales",
  "display",
];

for (const name of REPEATED) {
  test(`[11] ${name} twice is refused with invalid_request, even with one value`, async () => {
    const url = new URL(authorizeUrl("app"));
    const value = url.searchParams.get(name) ?? "1";
    if (!url.searchParams.has(name)) url.searchParams.append(name, value);
    url.searchParams.append(name, value);
    const { location, status, body } = await visitor.get(url.href);
    if (location === undefined) {
      assert.equal(status, 400);
      assert.match(body, /invalid_request/);
    } else assert.equal(answerOf(location).get("error"), "invalid_request");
  });
}

test("[12] prompt=none without a session is login_required, with one a code", async () => {
  const { location } = await createVisitor().get(requestUrl({ prompt: "none" }));
  assert.equal(answerOf(location).get("error"), "login_required");
  codeOf(await visitor.get(requestUrl({ prompt: "none" })));
});

for (const [name, claims] of [
  ["hundreds of levels deep", deep(400)],
  ["with prototype keys in them", '{"id_token":{"__proto__":{"essential":true},"constructor":null,"toString":null}}'],
  ["with values nobody has", '{"userinfo":{"email":{"value":{"$ne":null}},"sub":{"values":[{},[],null]}}}'],
] as const) {
  test(`[20] claims ${name} make no server error, and what comes of them is the person's own`, async () => {
    const { status, location } = await visitor.get(requestUrl({ claims }));
    if (location === undefined) return assert.equal(status, 400);
    const at = await follow(
      visitor,
      await visitor.get(location.startsWith(idp.issuer) ? location : requestUrl({})),
      idp.issuer,
    );
    const answer = answerOf(location.startsWith(CALLBACK) ? location : at.location);
    const code = answer.get("code");
    if (code === null) return assert.notEqual(answer.get("error"), "server_error");
    const { id_token: token } = (await (await redeem(code)).json()) as { id_token: string };
    const found = claimsOf(token);
    assert.equal(found["sub"], "u-demo");
    assert.equal(Object.hasOwn(found, "__proto__") || Object.hasOwn(found, "constructor"), false);
  });
}

test("[15] state comes back byte for byte up to 6 KB, and the nonce in the ID token", async () => {
  const state = `${"ä%20+&=\"'<".repeat(400)}end`;
  const nonce = 'n+/=%2B&"<ä'.repeat(20);
  const { location } = await visitor.get(requestUrl({ prompt: "none", state, nonce }));
  assert.equal(answerOf(location).get("state"), state);
  const { id_token: token } = (await (await redeem(answerOf(location).get("code") ?? "")).json()) as {
    id_token: string;
  };
  assert.equal(claimsOf(token)["nonce"], nonce);
  const refused = await visitor.get(requestUrl({ prompt: "nonsense", state }));
  assert.equal(answerOf(refused.location).get("state"), state);
});

test("[22] [36] a form_post page escapes what it carries, is not kept, and may post to the application", async () => {
  const state = `"><script>alert(1)</script>'&`;
  const page = await visitor.get(requestUrl({ response_mode: "form_post", state }));
  assert.equal(page.status, 200);
  assert.equal(page.headers.get("cache-control"), "no-store");
  assert.doesNotMatch(page.body, /<script>alert|"><script/);
  const policy = page.headers.get("content-security-policy") ?? "";
  assert.match(policy, /form-action https: http:(?:;|$)/);
  assert.doesNotMatch(policy, /unsafe/);
  const sent = Object.fromEntries(
    [...page.body.matchAll(/name="([a-z]+)" value="([^"]*)"/g)].map(([, name = "", value = ""]) => [name, value]),
  );
  assert.equal(sent["iss"], idp.issuer);
  assert.notEqual(sent["code"], undefined);
  assert.ok(page.body.includes(`action="${CALLBACK}"`));
});
