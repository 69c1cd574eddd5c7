import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { loadSchemas } from "../../src/saml/xml/schema.ts";
import { createVisitor, follow, type Visit, type Visitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { SCRIPT } from "../support/journey.ts";
import { createManualWorld } from "../support/manual-clock.ts";
import { idpCertificate, samlJourney } from "../support/saml/journey.ts";
import { authnRequest, redirectQuery } from "../support/saml/messages.ts";
import { testKey } from "../support/saml/service-provider.ts";

const FORMAT = "urn:oasis:names:tc:SAML:";
/** What only a schema-valid, escaped response can carry; the groups prove that every value goes out. */
const BACKEND = SCRIPT.replace(
  'groups = { "staff" }',
  'odd = "<a>&\\"\\\'{Issuer}]]> \\u{1F511}", groups = { "staff", "editors" }',
).replace(
  'if request.no_auth and request.oidc_cid == "forbidden"',
  'if request.no_auth and request.saml_entity_id == "https://down.example/md" then return B.BACKEND_RESULT_ERROR end\n  if request.no_auth and request.saml_entity_id == "https://denied.example/md"',
);
const ATTRIBUTES = `attributes: { odd: { name: odd, name_format: basic }, groups: { name: groups, name_format: unspecified, friendly_name: Groups }, missing: { name: missing } }`;

let idp: TestIdp;
let folder: string;
let world: ReturnType<typeof createManualWorld>;
const schemas = loadSchemas();
const saml = samlJourney(() => idp.issuer);

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "moonlatch-saml-"));
  writeFileSync(join(folder, "sp.pem"), (await testKey("sp")).certificate);
  const sp = (name: string, more = ""): string =>
    `    - { entity_id: "https://${name}.example/md", name: "SP ${name}", acs: ["https://${name}.example/acs", "https://${name}.example/second"], ${ATTRIBUTES}${more} }`;
  world = createManualWorld();
  world.clock.advance(Date.now() - world.clock.now());
  idp = await startIdp({
    world,
    script: BACKEND,
    folder,
    more: `saml:
  service_providers:
${[sp("plain"), sp("assertion", ", sign_response: false"), sp("response", ", sign_assertion: false"), sp("encrypted", ", encrypt_assertion: true, certificates: [./sp.pem]"), sp("email", ", name_id: email"), sp("transient", ", name_id: transient"), sp("unspecified", ", name_id: unspecified"), sp("denied"), sp("down"), sp("editors", ", allow_groups: [nobody]"), sp("portal", ", idp_initiated: true")].join("\n")}`,
  });
  writeFileSync(join(folder, "idp.pem"), await idpCertificate(idp.issuer));
});
after(async () => {
  await idp?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function ask(name: string, attributes = "", content = ""): string {
  const destination = `${idp.issuer}/saml/sso`;
  return `${destination}?${redirectQuery(authnRequest({ issuer: `https://${name}.example/md`, destination, attributes, content, instant: new Date(world.clock.now()).toISOString() }), { relayState: "r<&>" })}`;
}

async function openAt(visitor: Visitor, url: string): Promise<Visit> {
  return follow(visitor, await visitor.get(url), idp.issuer);
}

/** Schema and xmlsec1 both have to accept every response; the response as text. */
function judged(page: Visit): string {
  const xml = Buffer.from(page.field("SAMLResponse"), "base64").toString();
  assert.notEqual(xml, "", page.body);
  assert.equal(schemas.faultOf("protocol", xml), undefined, xml);
  const file = join(folder, "response.xml");
  writeFileSync(file, xml);
  for (const [element, id] of [
    ["protocol:Response", "Response"],
    ["assertion:Assertion", "Assertion"],
  ] as const) {
    if (!new RegExp(`<saml[p]?:${id} [^>]*>(?:<saml:Issuer>[^<]*</saml:Issuer>)<ds:Signature`).test(xml)) continue;
    const nodes = `/*[local-name()='Response']${id === "Response" ? "" : "/*[local-name()='Assertion']"}/*[local-name()='Signature']`;
    const checked = spawnSync("xmlsec1", [
      "--verify",
      "--enabled-key-data",
      "rsa",
      "--pubkey-cert-pem",
      join(folder, "idp.pem"),
      "--id-attr:ID",
      `urn:oasis:names:tc:SAML:2.0:${element}`,
      "--node-xpath",
      nodes,
      file,
    ]);
    assert.equal(checked.status, 0, checked.stderr.toString());
  }
  return xml;
}

function statusOf(xml: string): readonly string[] {
  return [...xml.matchAll(/StatusCode Value="urn:oasis:names:tc:SAML:2\.0:status:([^"]+)"/g)].map(
    ([, code = ""]) => code,
  );
}

const has = (xml: string, element: string): boolean =>
  new RegExp(`<saml[p]?:${element} [^>]*><saml:Issuer>[^<]*</saml:Issuer><ds:Signature`).test(xml);

for (const [name, parts] of [
  ["plain", "Response Assertion"],
  ["assertion", "Assertion"],
  ["response", "Response"],
] as const) {
  test(`a response for the provider "${name}" is signed at: ${parts}`, async () => {
    const xml = judged(await saml.signIn(createVisitor(), ask(name)));
    assert.deepEqual(statusOf(xml), ["Success"]);
    assert.deepEqual(["Response", "Assertion"].filter((element) => has(xml, element)).join(" "), parts);
    assert.match(
      xml,
      /<saml:Attribute Name="odd" NameFormat="[^"]*:basic"><saml:AttributeValue>&lt;a&gt;&amp;&quot;'\{Issuer\}\]\]&gt; 🔑<\/saml:AttributeValue>|<saml:Attribute Name="odd"[^>]*><saml:AttributeValue>&lt;a&gt;&amp;"'\{Issuer\}\]\]&gt; 🔑</,
    );
    assert.match(
      xml,
      /FriendlyName="Groups"[^>]*><saml:AttributeValue>staff<\/saml:AttributeValue><saml:AttributeValue>editors<|Name="groups"[^>]*><saml:AttributeValue>staff<\/saml:AttributeValue><saml:AttributeValue>editors</,
    );
    assert.doesNotMatch(xml, /Name="missing"|demo@example/);
    assert.match(
      xml,
      /<saml:AuthnStatement AuthnInstant="[^"]+" SessionIndex="_[^"]+" SessionNotOnOrAfter="[^"]+"><saml:AuthnContext><saml:AuthnContextClassRef>[^<]*:PasswordProtectedTransport</,
    );
  });
}

test("an encrypted assertion shows nothing of the person, by AES-GCM and RSA-OAEP", async () => {
  const xml = judged(await saml.signIn(createVisitor(), ask("encrypted")));
  assert.doesNotMatch(xml, /staff|<saml:Assertion|NameID/);
  assert.match(xml, /xmlenc11#aes256-gcm/);
  assert.match(xml, /rsa-oaep-mgf1p/);
  assert.doesNotMatch(xml, /rsa-1_5|aes\d+-cbc/);
  assert.ok(has(xml, "Response"));
});

test("each kind of NameID is what it says, the persistent one another for every provider and the same every time", async () => {
  const visitor = createVisitor();
  const nameOf = async (name: string, content = ""): Promise<string> => {
    const [, format = "", value = ""] =
      /<saml:NameID Format="urn:oasis:names:tc:SAML:([^"]+)"[^>]*>([^<]+)</.exec(
        judged(await saml.signIn(visitor, ask(name, "", content))),
      ) ?? [];
    return `${format.split(":").at(-1)} ${value}`;
  };
  const first = await nameOf("plain");
  assert.match(first, /^persistent [\w-]{43}$/);
  assert.equal(await nameOf("plain"), first);
  assert.notEqual(await nameOf("assertion"), first);
  assert.equal(await nameOf("email"), "emailAddress demo@example.org");
  assert.equal(await nameOf("unspecified"), "unspecified demo");
  const transient = await nameOf("transient");
  assert.notEqual(await nameOf("transient"), transient);
  assert.match(
    await nameOf("plain", `<samlp:NameIDPolicy Format="${FORMAT}2.0:nameid-format:transient"/>`),
    /^transient _/,
  );
});

const context = (comparison: string, name: string): string =>
  `<samlp:RequestedAuthnContext Comparison="${comparison}"><saml:AuthnContextClassRef>${name}</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`;
const PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

for (const [why, attributes, content, status] of [
  ["nobody is signed in and the request is passive", ' IsPassive="true"', "", "Responder NoPassive"],
  [
    "a NameID of the mail address is not for this provider",
    "",
    `<samlp:NameIDPolicy Format="${FORMAT}1.1:nameid-format:emailAddress"/>`,
    "Requester InvalidNameIDPolicy",
  ],
  [
    "a NameID of an unknown kind is wanted",
    "",
    '<samlp:NameIDPolicy Format="urn:x"/>',
    "Requester InvalidNameIDPolicy",
  ],
  [
    "a NameID for another provider is wanted",
    "",
    '<samlp:NameIDPolicy SPNameQualifier="https://other.example"/>',
    "Requester InvalidNameIDPolicy",
  ],
  ["an unknown context is wanted", "", context("exact", "urn:x"), "Responder NoAuthnContext"],
  ["two factors are wanted", "", context("minimum", "https://refeds.org/profile/mfa"), "Responder NoAuthnContext"],
  ["something better than a password is wanted", "", context("better", PASSWORD), "Responder NoAuthnContext"],
] as const) {
  test(`the provider hears why when ${why}`, async () => {
    const page = await openAt(createVisitor(), ask("plain", attributes, content));
    assert.equal(page.field("RelayState"), "r&lt;&amp;&gt;");
    const xml = judged(page);
    assert.equal(statusOf(xml).join(" "), status);
    assert.doesNotMatch(xml, /Assertion/);
  });
}

for (const comparison of ["exact", "minimum", "maximum"])
  test(`a password satisfies ${comparison} PasswordProtectedTransport`, async () => {
    const xml = judged(await saml.signIn(createVisitor(), ask("plain", "", context(comparison, PASSWORD))));
    assert.match(xml, new RegExp(`<saml:AuthnContextClassRef>${PASSWORD}<`));
  });

test("a Subject that names somebody else is no success, and one that names the person is", async () => {
  const visitor = createVisitor();
  const [, own = ""] = /<saml:NameID[^>]*>([^<]+)</.exec(judged(await saml.signIn(visitor, ask("plain")))) ?? [];
  const about = (name: string) => `<saml:Subject><saml:NameID>${name}</saml:NameID></saml:Subject>`;
  assert.deepEqual(statusOf(judged(await openAt(visitor, ask("plain", "", about("somebody"))))), [
    "Responder",
    "UnknownPrincipal",
  ]);
  assert.deepEqual(statusOf(judged(await openAt(visitor, ask("plain", "", about(own))))), ["Success"]);
});

test("ForceAuthn asks again for a password, as true and as 1, and the new proof is stated", async () => {
  const visitor = createVisitor();
  await saml.signIn(visitor, ask("plain"));
  for (const value of ["true", "1"]) {
    const form = await openAt(visitor, ask("plain", ` ForceAuthn="${value}"`));
    assert.notEqual(form.field("csrf"), "", "a password is asked for");
    judged(await saml.submit(visitor, form, "demo"));
  }
  assert.deepEqual(statusOf(judged(await openAt(visitor, ask("plain", ' ForceAuthn="true" IsPassive="true"')))), [
    "Responder",
    "NoPassive",
  ]);
});

test("the answer goes to the registered address that the index or the URL names", async () => {
  const visitor = createVisitor();
  const target = async (attributes: string) =>
    /action="([^"]+)"/.exec((await saml.signIn(visitor, ask("plain", attributes))).body)?.[1];
  assert.equal(await target(""), "https://plain.example/acs");
  assert.equal(await target(' AssertionConsumerServiceIndex="1"'), "https://plain.example/second");
  assert.equal(
    await target(' AssertionConsumerServiceURL="https://plain.example/second"'),
    "https://plain.example/second",
  );
});

test("cancelling tells the provider AuthnFailed", async () => {
  const visitor = createVisitor();
  const form = await openAt(visitor, ask("plain"));
  const left = await visitor.post(form.url, { csrf: form.field("csrf"), decision: "cancel" });
  assert.deepEqual(statusOf(judged(await openAt(visitor, new URL(left.handoff ?? "", idp.issuer).href))), [
    "Responder",
    "AuthnFailed",
  ]);
});

for (const name of ["denied", "editors"])
  test(`whoever may not use "${name}" sees so, and going back tells the provider RequestDenied; the session lives`, async () => {
    const visitor = createVisitor();
    await saml.signIn(visitor, ask("plain"));
    const page = await openAt(visitor, ask(name));
    assert.match(page.body, /You can’t use/);
    const left = await visitor.post(page.url, { csrf: page.field("csrf"), decision: "back" });
    assert.deepEqual(statusOf(judged(await openAt(visitor, new URL(left.handoff ?? "", idp.issuer).href))), [
      "Responder",
      "RequestDenied",
    ]);
    assert.deepEqual(statusOf(judged(await openAt(visitor, ask(name, ' IsPassive="true"')))), [
      "Responder",
      "RequestDenied",
    ]);
    assert.deepEqual(statusOf(judged(await openAt(visitor, ask("plain")))), ["Success"]);
  });

test("a backend that cannot answer is a 503 that consumes nothing", async () => {
  const visitor = createVisitor();
  await saml.signIn(visitor, ask("plain"));
  const page = await openAt(visitor, ask("down"));
  assert.equal(page.status, 503);
  assert.equal(page.headers.get("retry-after"), "30");
  assert.equal((await visitor.get(page.url)).status, 503, "the same address is asked again");
});

test("an answer is given once; its page again is out of date", async () => {
  const visitor = createVisitor();
  const page = await saml.signIn(visitor, ask("plain"));
  assert.equal((await visitor.get(page.url)).status, 410);
});

test("IdP-initiated sign-on works where the operator allows it, and nowhere else", async () => {
  const visitor = createVisitor();
  const start = (name: string) =>
    `${idp.issuer}/saml/sso?sp=${encodeURIComponent(`https://${name}.example/md`)}&RelayState=home`;
  const page = await saml.signIn(visitor, start("portal"));
  assert.equal(page.field("RelayState"), "home");
  assert.doesNotMatch(judged(page), /InResponseTo/);
  assert.equal((await visitor.get(start("plain"))).status, 400);
  assert.equal((await visitor.get(`${start("portal")}&sp=x`)).status, 400);
});

test("our metadata is schema-valid, signed, and names only what is served", async () => {
  const response = await fetch(`${idp.issuer}/saml/metadata`);
  assert.match(response.headers.get("content-type") ?? "", /^application\/samlmetadata\+xml/);
  const xml = await response.text();
  assert.equal(schemas.faultOf("metadata", xml), undefined);
  const file = join(folder, "metadata.xml");
  writeFileSync(file, xml);
  const checked = spawnSync("xmlsec1", [
    "--verify",
    "--enabled-key-data",
    "rsa",
    "--pubkey-cert-pem",
    join(folder, "idp.pem"),
    "--id-attr:ID",
    "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor",
    file,
  ]);
  assert.equal(checked.status, 0, checked.stderr.toString());
  assert.doesNotMatch(xml, /PRIVATE/);
  for (const [, address = ""] of xml.matchAll(/ Location="([^"]+)"/g))
    assert.notEqual((await fetch(address)).status, 404, address);
});

test("a sign-in that takes 25 minutes still succeeds, and one that takes 40 is out of date", async () => {
  const visitor = createVisitor();
  const form = await openAt(visitor, ask("plain"));
  world.clock.advance(25 * 60_000);
  judged(await saml.submit(visitor, form, "demo"));
  const late = createVisitor();
  const other = await openAt(late, ask("plain"));
  world.clock.advance(40 * 60_000);
  assert.equal((await late.get(other.url)).status, 410);
});
