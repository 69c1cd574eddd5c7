import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createVisitor, type Visit } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, SCRIPT } from "../support/journey.ts";

const HOST = "wiki.example.org";
const REGISTERED = `https://${HOST}/callback`;
const LOCAL = "http://127.0.0.1:9/callback";

let idp: TestIdp;
const { authorizeUrl, codeOf, signIn } = journeyOf(() => idp.issuer);
/** Signed in at an application that asks for no consent: whatever address is accepted gets a code at once. */
const visitor = createVisitor();
before(async () => {
  const common = "client_secret: a-secret-of-the-test-application, skip_consent: true";
  idp = await startIdp({
    script: SCRIPT,
    oidc: `  clients:
    - { client_id: app, redirect_uris: ["${REGISTERED}", "${LOCAL}"], ${common} }
    - { client_id: other, redirect_uris: ["https://other.example.org/callback"], ${common} }`,
  });
  await signIn(visitor);
});
after(() => idp.stop());

/** RFC 9700 section 2.1: what is not the registered address character by character is another address. */
const TRICKS: readonly string[] = [
  "",
  // Paths and queries.
  `${REGISTERED}/`,
  `${REGISTERED}/../callback`,
  `${REGISTERED}/..;/callback`,
  `https://${HOST}/x/../callback`,
  `https://${HOST}//callback`,
  `https://${HOST}/./callback`,
  `https://${HOST}/Callback`,
  `https://${HOST}/call%62ack`,
  `https://${HOST}/`,
  `https://${HOST}`,
  `${REGISTERED}?x=1`,
  `${REGISTERED}?`,
  `${REGISTERED}#x`,
  `${REGISTERED}#`,
  `${REGISTERED}%2f`,
  `${REGISTERED}%00`,
  `${REGISTERED}%23@evil.example`,
  `${REGISTERED}\\`,
  `${REGISTERED}/*`,
  `https://${HOST}/*`,
  "https://*.example.org/callback",
  // White space and control characters.
  ` ${REGISTERED}`,
  `${REGISTERED} `,
  `${REGISTERED}\t`,
  `${REGISTERED}\u0000`,
  `${REGISTERED}\r\nSet-Cookie: a=b`,
  `${REGISTERED}\r\n\r\n<script>alert(1)</script>`,
  // Hosts.
  `https://${HOST}.evil.example/callback`,
  `https://evil${HOST}/callback`,
  `https://evil.example/${HOST}/callback`,
  `https://evil.example/callback`,
  `https://${HOST}@evil.example/callback`,
  `https://evil.example@${HOST}/callback`,
  `https://evil.example\\@${HOST}/callback`,
  `https://evil.example#@${HOST}/callback`,
  `https://${HOST}./callback`,
  `https://${HOST.toUpperCase()}/callback`,
  `https://${HOST.replace(".", "。")}/callback`,
  `https://${HOST.replace("i", "і")}/callback`,
  "https://other.example.org/callback",
  // Ports and schemes.
  `https://${HOST}:443/callback`,
  `https://${HOST}:8443/callback`,
  `http://${HOST}/callback`,
  `HTTPS://${HOST}/callback`,
  `//${HOST}/callback`,
  "/callback",
  `https:${HOST}/callback`,
  `https:\\\\${HOST}\\callback`,
  "http://127.0.0.1:90/callback",
  "http://127.0.0.1/callback",
  "http://127.1:9/callback",
  "http://127。0。0。1:9/callback",
  "http://[::ffff:127.0.0.1]:9/callback",
  "http://localhost:9/callback",
  "https://127.0.0.1:9/callback",
  "javascript:alert(1)//",
  `javascript://${HOST}/callback%0aalert(1)`,
  "data:text/html,x",
  "urn:ietf:wg:oauth:2.0:oob",
  // Lists and names of the language.
  `${REGISTERED},https://evil.example`,
  `${REGISTERED} https://evil.example`,
  `["${REGISTERED}"]`,
  "__proto__",
  "null",
];

/** A page of ours that leads nowhere and repeats nothing of what was sent. */
function assertDeadEnd({ status, location, headers, body }: Visit): void {
  assert.equal(status, 400);
  assert.equal(location, undefined);
  assert.equal(headers.get("refresh"), null);
  assert.equal(headers.get("set-cookie")?.includes("a=b") ?? false, false);
  assert.doesNotMatch(body, /http-equiv="refresh"|location\.|javascript:|<script>/i);
  assert.doesNotMatch(body, /example|evil|callback|127\.|oob|__proto__/i);
}

for (const uri of TRICKS) {
  test(`[7] the redirect address ${JSON.stringify(uri)} gets a page that goes nowhere`, async () => {
    assertDeadEnd(await visitor.get(authorizeUrl("app", { redirect_uri: uri })));
  });
}

test("[7] neither prompt=none nor a broken request makes an address that is not registered get the answer", async () => {
  for (const more of [{ prompt: "none" }, { response_type: "nonsense" }, { scope: "" }, { response_mode: "form_post" }])
    assertDeadEnd(await visitor.get(authorizeUrl("app", { ...more, redirect_uri: "https://evil.example/callback" })));
});

test("[7] [16] each registered address gets a code and the issuer, so the tricks above fail for their address alone", async () => {
  for (const uri of [REGISTERED, LOCAL]) {
    const at = await visitor.get(authorizeUrl("app", { redirect_uri: uri }));
    assert.ok(at.location?.startsWith(`${uri}?`), at.location);
    assert.notEqual(codeOf(at), "");
    assert.equal(new URL(at.location ?? "").searchParams.get("iss"), idp.issuer);
  }
});

function without(name: string): string {
  const url = new URL(authorizeUrl("app", { redirect_uri: REGISTERED }));
  url.searchParams.delete(name);
  return url.href;
}

/** Refused on the spot: nobody knows where an answer could go. */
const IN_PLACE: Readonly<Record<string, () => string>> = {
  "[8] no redirect_uri": () => without("redirect_uri"),
  "[8] no redirect_uri, although only one is registered": () =>
    without("redirect_uri").replace("client_id=app", "client_id=other"),
  "[8] two redirect_uris": () => `${without("")}&redirect_uri=${encodeURIComponent(REGISTERED)}`,
  "[8] a registered redirect_uri before a foreign one": () => `${without("")}&redirect_uri=https://evil.example`,
  "[8] a foreign redirect_uri before a registered one": () =>
    without("").replace("?", "?redirect_uri=https://evil.example&"),
  "[8] redirect_uri as a list": () => without("").replace("redirect_uri=", "redirect_uri%5B%5D="),
  "[8] redirect_uri as an object": () => without("").replace("redirect_uri=", "redirect_uri%5Bx%5D="),
  "[9] an unknown client": () => authorizeUrl("stranger"),
  "[9] an unknown client with another one's address": () => authorizeUrl("stranger", { redirect_uri: REGISTERED }),
  "[9] no client_id": () => without("client_id"),
  "[9] an empty client_id": () => authorizeUrl(""),
  "[9] __proto__ as client_id": () => authorizeUrl("__proto__"),
  "[9] a client_id with another case": () => authorizeUrl("APP", { redirect_uri: REGISTERED }),
  "[9] a client_id with a space": () => authorizeUrl("app ", { redirect_uri: REGISTERED }),
  "[9] two client_ids": () => `${without("")}&client_id=other`,
  "[9] the same client_id twice": () => `${without("")}&client_id=app`,
  "[9] client_id as a list": () => without("").replace("client_id=", "client_id%5B%5D="),
};

for (const [name, url] of Object.entries(IN_PLACE)) {
  test(`${name} ends on a page, nowhere else`, async () => {
    const page = await visitor.get(url());
    assertDeadEnd(page);
    assert.doesNotMatch(page.body, /stranger|    at /);
  });
}
