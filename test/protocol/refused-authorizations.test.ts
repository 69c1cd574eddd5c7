import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf, OIDC, SCRIPT } from "../support/journey.ts";

let idp: TestIdp;
before(async () => {
  idp = await startIdp({ script: SCRIPT, oidc: OIDC });
});
after(() => idp.stop());
const { authorizeUrl } = journeyOf(() => idp.issuer);

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
