import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createVisitor, follow } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";
import { idpCertificate, samlJourney } from "../support/saml/journey.ts";
import { type NodeSamlSp, nodeSamlSp } from "../support/saml/service-provider.ts";

const MORE = `saml:
  service_providers:
    - { metadata: ./sp.xml, name: Node SP, attributes: { mail: { name: "urn:oid:0.9.2342.19200300.100.1.3", friendly_name: mail }, groups: { name: groups, name_format: basic }, account: { name: uid, name_format: basic } } }`;

let idp: TestIdp;
let sp: NodeSamlSp;
let folder: string;
const saml = samlJourney(() => idp.issuer);
const oidc = journeyOf(() => idp.issuer);

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "moonlatch-saml-"));
  const early = await nodeSamlSp({ issuer: "http://localhost", idpCertificate: "x" });
  writeFileSync(join(folder, "sp.xml"), early.metadata);
  idp = await startIdp({ script: SCRIPT, oidc: OIDC, more: MORE, folder });
  sp = await nodeSamlSp({ issuer: idp.issuer, idpCertificate: await idpCertificate(idp.issuer) });
});
after(async () => {
  await idp.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a signed request over Redirect ends in a response that node-saml believes, with every value of every released attribute", async () => {
  const visitor = createVisitor();
  const page = await saml.signIn(visitor, await sp.loginUrl('where/to?a=b&c=<d>"'));
  assert.match(page.body, /action="http:\/\/127\.0\.0\.1:9\/acs"/);
  assert.equal(page.headers.get("cache-control"), "no-store");
  const profile = await sp.profileOf(page.field("SAMLResponse"));
  assert.equal(profile.issuer, `${idp.issuer}/saml/metadata`);
  assert.equal(profile.nameIDFormat, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent");
  assert.match(profile.nameID, /^[\w-]{43}$/);
  assert.equal(profile["urn:oid:0.9.2342.19200300.100.1.3"], "demo@example.org");
  assert.equal(profile["groups"], "staff");
  assert.equal(profile["uid"], "demo");
  assert.ok(profile.sessionIndex);
});

test("one sign-in serves both protocols, in both directions", async () => {
  const first = createVisitor();
  await saml.signIn(first, await sp.loginUrl());
  const code = await first.get(oidc.authorizeUrl("app"));
  assert.match(code.location ?? "", /[?&]code=/, "an OpenID Connect application opens without a password");

  const second = createVisitor();
  await oidc.signIn(second, "app");
  const page = await follow(second, await second.get(await sp.loginUrl()), idp.issuer);
  assert.notEqual(page.field("SAMLResponse"), "", "a SAML application opens without a password");
});

test("the backend sees the validated entity id in the password check and in every lookup, and no client id", async () => {
  const visitor = createVisitor();
  const logged = idp.log.length;
  await saml.signIn(visitor, await sp.loginUrl(), "editor");
  const calls = idp.log.slice(logged).filter((line) => line.includes("call cid="));
  assert.ok(
    calls.some((line) => line.includes("no_auth=false")) && calls.some((line) => line.includes("no_auth=true")),
    calls.join(""),
  );
  for (const call of calls) assert.match(call, /call cid= entity=http:\/\/127\.0\.0\.1:9\/metadata protocol=saml /);
});
