import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { inflateRawSync } from "node:zlib";
import type { Profile } from "@node-saml/node-saml";
import { createVisitor, follow, type Visit, type Visitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, SCRIPT } from "../support/journey.ts";
import { idpCertificate, samlJourney } from "../support/saml/journey.ts";
import { type NodeSamlSp, nodeSamlSp } from "../support/saml/service-provider.ts";

const ORIGINS = ["http://127.0.0.1:9", "http://127.0.0.2:9"] as const;

let idp: TestIdp;
let folder: string;
let backChannel: Server;
/** Logout tokens the OpenID Connect application got. */
const told: string[] = [];
let sps: readonly [NodeSamlSp, NodeSamlSp];
const saml = samlJourney(() => idp.issuer);
const oidc = journeyOf(() => idp.issuer);

before(async () => {
  backChannel = createServer((req, res) => {
    let body = "";
    req.on("data", (chunk: Buffer) => (body += chunk.toString()));
    req.on("end", () => {
      told.push(new URLSearchParams(body).get("logout_token") ?? "");
      res.end();
    });
  });
  await new Promise<void>((resolve) => backChannel.listen(0, "127.0.0.1", resolve));
  const { port } = backChannel.address() as AddressInfo;
  folder = mkdtempSync(join(tmpdir(), "moonlatch-saml-"));
  for (const [index, origin] of ORIGINS.entries())
    writeFileSync(
      join(folder, `sp${index}.xml`),
      (
        await nodeSamlSp({
          issuer: "http://localhost",
          idpCertificate: "x",
          origin,
          logout: index === 0 ? "Redirect" : "POST",
        })
      ).metadata,
    );
  idp = await startIdp({
    script: SCRIPT,
    folder,
    oidc: `  clients:
    - { client_id: app, client_name: Test application, client_secret: a-secret-of-the-test-application, redirect_uris: ["http://127.0.0.1:9/callback"], post_logout_redirect_uris: ["http://127.0.0.1:9/bye"], grant_types: [authorization_code, refresh_token], skip_consent: true, backchannel_logout_uri: "http://127.0.0.1:${port}/out" }`,
    more: `outgoing: { allow: [127.0.0.1] }
saml: { service_providers: [{ metadata: ./sp0.xml, name: First SP }, { metadata: ./sp1.xml, name: Second SP }] }`,
  });
  const certificate = await idpCertificate(idp.issuer);
  const [first, second] = await Promise.all(
    ORIGINS.map((origin) => nodeSamlSp({ issuer: idp.issuer, idpCertificate: certificate, origin })),
  );
  assert.ok(first !== undefined && second !== undefined);
  sps = [first, second];
});
after(async () => {
  await idp?.stop();
  backChannel.closeAllConnections();
  backChannel.close();
  rmSync(folder, { recursive: true, force: true });
});

async function everywhere(visitor: Visitor): Promise<readonly [Profile, Profile]> {
  const profiles: Profile[] = [];
  for (const sp of sps)
    profiles.push(await sp.profileOf((await saml.signIn(visitor, await sp.loginUrl())).field("SAMLResponse")));
  const code = oidc.codeOf(await visitor.get(oidc.authorizeUrl("app")));
  assert.equal((await oidc.redeem(code)).status, 200);
  const [one, two] = profiles;
  assert.ok(one !== undefined && two !== undefined);
  return [one, two];
}

async function isSignedIn(visitor: Visitor): Promise<boolean> {
  const { location = "" } = await visitor.get(oidc.authorizeUrl("app", { prompt: "none" }));
  return location.includes("code=");
}

/** Answers the LogoutRequest a page leads to, as a provider does; the provider's own redirect back. The second provider wants it posted. */
async function answerAt(sp: NodeSamlSp, page: Visit): Promise<string> {
  if (sp === sps[1]) {
    assert.match(page.body, new RegExp(`<form method="post" action="${sp.slo}"`));
    const { profile } = await sp.saml.validatePostRequestAsync({ SAMLRequest: page.field("SAMLRequest") });
    assert.ok(profile?.nameID);
    return sp.saml.getLogoutResponseUrlAsync(profile, "", {}, true);
  }
  const { handoff = "" } = page;
  assert.ok(handoff.startsWith(`${sp.slo}?SAMLRequest=`), page.body);
  const { searchParams, search } = new URL(handoff);
  const { profile } = await sp.saml.validateRedirectAsync(Object.fromEntries(searchParams), search.slice(1));
  assert.ok(profile?.nameID);
  return sp.saml.getLogoutResponseUrlAsync(profile, "", {}, true);
}

test("a sign-out that one provider begins ends the session, tells the others, and is answered", async () => {
  const visitor = createVisitor();
  const [first] = await everywhere(visitor);
  told.length = 0;
  const request = await sps[0].saml.getLogoutUrlAsync(first, "relay-me", {});
  const asking = await follow(visitor, await visitor.get(request), idp.issuer);
  assert.match(asking.body, /Second SP/);
  assert.equal(await isSignedIn(visitor), false, "the session ended before anybody else was asked");
  assert.equal(told.length, 1, "the OpenID Connect application got its logout token");

  const over = await follow(visitor, await visitor.get(await answerAt(sps[1], asking)), idp.issuer);
  const { handoff = "" } = over;
  assert.ok(handoff.startsWith(`${sps[0].slo}?SAMLResponse=`), over.body);
  const answer = new URL(handoff);
  assert.equal(answer.searchParams.get("RelayState"), "relay-me");
  const { loggedOut } = await sps[0].saml.validateRedirectAsync(
    Object.fromEntries(answer.searchParams),
    answer.search.slice(1),
  );
  assert.equal(loggedOut, true);
});

test("a sign-out of an OpenID Connect application tells every service provider before it goes back", async () => {
  const visitor = createVisitor();
  await everywhere(visitor);
  const confirm = await visitor.get(
    `${idp.issuer}/oidc/logout?client_id=app&post_logout_redirect_uri=${encodeURIComponent("http://127.0.0.1:9/bye")}`,
  );
  for (const name of ["Test application", "First SP", "Second SP"]) assert.ok(confirm.body.includes(name), name);
  const left = await visitor.post(`${idp.issuer}/oidc/logout/confirm`, { xsrf: confirm.field("xsrf"), logout: "yes" });
  let page = await visitor.get(new URL(left.handoff ?? "", idp.issuer).href);
  for (const sp of sps) page = await follow(visitor, await visitor.get(await answerAt(sp, page)), idp.issuer);
  assert.equal(page.handoff, "http://127.0.0.1:9/bye");
  assert.equal(page.body.match(/class="state state-done"/g)?.length, 3, page.body);
  assert.equal(await isSignedIn(visitor), false);
});

test("a provider that does not answer is skipped, reported, and makes the answer a partial one", async () => {
  const visitor = createVisitor();
  const [first] = await everywhere(visitor);
  const asking = await follow(
    visitor,
    await visitor.get(await sps[0].saml.getLogoutUrlAsync(first, "", {})),
    idp.issuer,
  );
  const skip = /data-skip="([^"]+)"/.exec(asking.body)?.[1] ?? "";
  const over = await follow(visitor, await visitor.get(idp.issuer + skip), idp.issuer);
  assert.match(over.body, /Second SP<\/bdi> <span class="state state-failed">Not confirmed/);
  assert.equal(over.handoff, undefined, "what failed can be read first");
  const href = /href="([^"]*SAMLResponse=[^"]+)"/.exec(over.body)?.[1]?.replaceAll("&amp;", "&") ?? "";
  const packed = Buffer.from(new URL(href).searchParams.get("SAMLResponse") ?? "", "base64");
  assert.match(inflateRawSync(packed).toString(), /status:Success"><samlp:StatusCode Value="[^"]*:PartialLogout"/);
});

test("a LogoutRequest that is used twice, unsigned, or from another provider ends nothing", async () => {
  const visitor = createVisitor();
  const [first, second] = await everywhere(visitor);
  const foreign = await sps[1].saml.getLogoutUrlAsync(first, "", {});
  await visitor.get(foreign);
  assert.equal(await isSignedIn(visitor), true, "another provider's name for the person means nobody here");
  const signed = await sps[1].saml.getLogoutUrlAsync(second, "", {});
  const unsigned = signed.replace(/&SigAlg=.*/, "");
  assert.equal((await visitor.get(unsigned)).status, 400);
  assert.equal(await isSignedIn(visitor), true);
  assert.equal((await visitor.get(signed)).status, 303);
  assert.equal((await visitor.get(signed)).status, 400);
  assert.equal(await isSignedIn(visitor), false);
});
