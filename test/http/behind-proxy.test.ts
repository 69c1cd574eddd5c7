import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { SCRIPT } from "../support/journey.ts";

const CALLBACK = "https://wiki.example.org/callback";

let idp: TestIdp;
before(async () => {
  idp = await startIdp({
    script: SCRIPT,
    issuer: "https://id.example.org",
    oidc: `  clients: [{ client_id: wiki, client_secret: a-secret-of-the-wiki-itself, redirect_uris: ["${CALLBACK}"], skip_consent: true }]`,
  });
});
after(() => idp.stop());

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** What a proxy that ends TLS sends on: plain HTTP, the public Host, and headers it may or may not set. */
function forwarded(path: string, headers: Readonly<Record<string, string>> = {}, body?: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: "127.0.0.1",
        port: idp.port,
        path,
        method: body === undefined ? "GET" : "POST",
        headers: { host: "id.example.org", accept: "text/html", ...headers },
      },
      (res) => {
        let text = "";
        res
          .on("data", (chunk: Buffer) => (text += chunk.toString()))
          .on("end", () => resolve({ status: res.statusCode ?? 0, headers: res.headers, body: text }));
      },
    );
    sent.on("error", reject).end(body);
  });
}

/** `__Host-`: for this host, all paths and https alone. What belongs to one attempt is bound to its path and cannot have it. */
function assertBound(cookies: readonly string[]): void {
  assert.ok(cookies.length > 0);
  for (const cookie of cookies) {
    if (cookie.startsWith("__Host-")) assert.match(cookie, /; path=\/(?:;|$)/i);
    else assert.match(cookie, /^__Secure-moonlatch_\w+(?:\.sig)?=.*; path=\/(?:login|oidc\/authorize)\/[^/]+/i);
    assert.match(cookie, /; secure/i);
    assert.match(cookie, /; httponly/i);
    assert.match(cookie, /; samesite=lax/i);
    assert.doesNotMatch(cookie, /; domain=/i);
  }
}

const cookiesOf = (answer: Answer): readonly string[] => [answer.headers["set-cookie"] ?? []].flat();

for (const headers of [
  {},
  { "x-forwarded-proto": "http", "x-forwarded-host": "evil.example" },
  { "x-forwarded-proto": "https" },
]) {
  test(`behind a proxy that sends ${JSON.stringify(headers)}, every address is the issuer's`, async () => {
    const { body } = await forwarded("/.well-known/openid-configuration", headers);
    const document = JSON.parse(body) as Record<string, unknown>;
    const addresses = Object.entries(document).filter(
      ([name, value]) => /(?:_endpoint|_uri)$/.test(name) && typeof value === "string",
    );
    assert.ok(addresses.length >= 6);
    for (const [name, value] of addresses)
      assert.ok(String(value).startsWith("https://id.example.org/"), `${name}: ${String(value)}`);
    assert.equal(document["issuer"], "https://id.example.org");
  });
}

test("a sign-in behind a TLS proxy works with secure, host-bound cookies and HSTS", async () => {
  const query = new URLSearchParams({
    client_id: "wiki",
    redirect_uri: CALLBACK,
    response_type: "code",
    scope: "openid",
    code_challenge: "x".repeat(43),
    code_challenge_method: "S256",
  });
  const begun = await forwarded(`/oidc/authorize?${query.toString()}`);
  const cookies = cookiesOf(begun);
  assertBound(cookies);
  const cookie = cookies.map((line) => line.split(";", 1)[0]).join("; ");
  const path = new URL(String(begun.headers["location"]), "https://id.example.org").pathname;
  const page = await forwarded(path, { cookie });
  assert.equal(page.status, 200);
  assert.match(String(page.headers["strict-transport-security"]), /max-age=\d{8}/);
  const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? "";
  const form = new URLSearchParams({ csrf, username: "demo", password: "right" }).toString();
  const posted = await forwarded(
    path,
    { cookie, origin: "https://id.example.org", "content-type": "application/x-www-form-urlencoded" },
    form,
  );
  const handoff = /content="0;url=([^"]+)"/.exec(posted.body)?.[1] ?? "";
  const resumed = await forwarded(handoff, { cookie });
  assert.ok(String(resumed.headers["location"]).startsWith(`${CALLBACK}?code=`), JSON.stringify(resumed.headers));
  const session = cookiesOf(resumed).find((line) => line.startsWith("__Host-moonlatch_session="));
  assert.match(session ?? "", /; path=\/; .*secure/i);
  assertBound(cookiesOf(resumed));
});

test("the cookies of the account pages, of the device and of a chosen language are bound, too", async () => {
  const account = await forwarded("/account");
  assert.match(cookiesOf(account).join(), /__Secure-moonlatch_account/);
  assertBound(cookiesOf(account));
  const german = await forwarded("/?ui_locales=de");
  assert.match(cookiesOf(german).join(), /__Host-moonlatch_lang=de/);
  assertBound(cookiesOf(german));
  assert.match((await forwarded("/", { cookie: "__Host-moonlatch_lang=de" })).body, /lang="de"/);
});
