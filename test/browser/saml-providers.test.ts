import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { freePort } from "../support/free-port.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, SCRIPT } from "../support/journey.ts";
import { startMellon } from "../support/saml/mellon.ts";
import type { SamlSp } from "../support/saml/program.ts";
import { startPysaml2 } from "../support/saml/pysaml2.ts";
import { startSimpleSamlPhp } from "../support/saml/simplesamlphp.ts";

const MAIL = "urn:oid:0.9.2342.19200300.100.1.3";
const PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

let idp: TestIdp;
let browser: Browser;
let folder: string;
/** The OpenID Connect application: a page where people arrive. */
let application: Server;
let back: string;
let mellon: SamlSp;
let simple: SamlSp;
let py: SamlSp;
const oidc = journeyOf(() => idp.issuer);

before(async () => {
  application = createServer((_req, res) => void res.end("arrived"));
  await new Promise<void>((resolve) => application.listen(0, "127.0.0.1", resolve));
  back = `http://127.0.0.1:${(application.address() as AddressInfo).port}/callback`;
  folder = mkdtempSync(join(tmpdir(), "moonlatch-saml-"));
  for (const name of ["plain", "encrypted"]) mkdirSync(join(folder, name));
  idp = await startIdp({
    script: SCRIPT,
    folder,
    oidc: `  clients:
    - { client_id: app, client_name: Test application, client_secret: a-secret-of-the-test-application, redirect_uris: ["${back}"], skip_consent: true }`,
    more: `saml:
  service_providers:
    - metadata: ./plain
      attributes: { mail: { name: "${MAIL}", friendly_name: mail }, groups: { name: groups, name_format: basic } }
    - { metadata: ./encrypted, encrypt_assertion: true, attributes: { mail: { name: "${MAIL}", friendly_name: mail } } }`,
  });
  const idpMetadata = await (await fetch(`${idp.issuer}/saml/metadata`)).text();
  mellon = await startMellon({ port: await freePort(), idpMetadata });
  simple = await startSimpleSamlPhp({
    port: await freePort(),
    idpEntityId: `${idp.issuer}/saml/metadata`,
    idpMetadata,
  });
  py = await startPysaml2({ port: await freePort(), idpMetadata });
  writeFileSync(join(folder, "plain/mellon.xml"), mellon.metadata);
  writeFileSync(join(folder, "plain/simple.xml"), simple.metadata);
  // This one gets its assertions encrypted.
  writeFileSync(join(folder, "encrypted/py.xml"), py.metadata);
  await untilKnown([
    `${mellon.origin}/mellon/login?ReturnTo=${mellon.origin}/`,
    `${simple.origin}/app`,
    `${py.origin}/`,
  ]);
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
after(async () => {
  for (const sp of [mellon, simple, py]) await sp?.stop();
  await browser?.close();
  application.close();
  await idp?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The provider reads new files by itself; it is done when it takes each one's request. */
async function untilKnown(starts: readonly string[]): Promise<void> {
  const deadline = Date.now() + 20_000;
  for (const start of starts) {
    for (let status = 0; status !== 303; ) {
      const begun = await fetch(start, { redirect: "manual" });
      const location = begun.headers.get("location");
      assert.ok(location !== null, `${start} answered ${begun.status}: ${(await begun.text()).slice(0, 2_000)}`);
      status = (await fetch(location, { redirect: "manual" })).status;
      assert.ok(Date.now() < deadline, `${start}: ${status} ${idp.log.slice(-3).join("")}`);
    }
  }
}

async function newPage(javaScriptEnabled = true): Promise<Page> {
  const context = await browser.newContext({ javaScriptEnabled, locale: "en" });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  return page;
}

/** Opens a protected address, signs in where that is asked for, and presses the button a script would. */
async function open(page: Page, address: string, javaScriptEnabled = true): Promise<void> {
  await page.goto(address);
  if ((await page.locator("#username").count()) > 0) {
    await page.fill("#username", "demo");
    await page.fill("#password", "right");
    await page.click("button.primary");
  }
  if (!javaScriptEnabled) {
    await page.waitForSelector("input[name=SAMLResponse]", { state: "attached" });
    await page.click("form button.primary");
  }
}

async function told(page: Page): Promise<{ attributes: Record<string, string[]>; format: string }> {
  return JSON.parse((await page.textContent("#attributes")) ?? "") as {
    attributes: Record<string, string[]>;
    format: string;
  };
}

/** Whether an OpenID Connect application would get a code without a question. */
async function isSignedIn(page: Page): Promise<boolean> {
  const probe = await page.context().newPage();
  await probe.goto(oidc.authorizeUrl("app", { redirect_uri: back, prompt: "none" }));
  const url = probe.url();
  assert.ok(url.startsWith(back), url);
  await probe.close();
  return url.includes("code=");
}

for (const javaScriptEnabled of [true, false]) {
  test(`mod_auth_mellon lets a person in with their attributes, JavaScript ${javaScriptEnabled ? "on" : "off"}`, async () => {
    const page = await newPage(javaScriptEnabled);
    const answer = page.waitForResponse(
      (response) => response.url() === `${mellon.origin}/` && response.status() === 200,
    );
    await open(page, `${mellon.origin}/`, javaScriptEnabled);
    const { "x-mail": mail, "x-groups": groups } = (await answer).headers();
    assert.deepEqual({ mail, groups }, { mail: "demo@example.org", groups: "staff" }, mellon.log());
    await page.context().close();
  });
}

test("mod_auth_mellon's logout ends the session for everybody, and returns", async () => {
  const page = await newPage();
  await open(page, `${mellon.origin}/`);
  await page.waitForURL(`${mellon.origin}/`);
  assert.equal(await isSignedIn(page), true, "an OpenID Connect application opens without a password");
  await page.goto(`${mellon.origin}/mellon/logout?ReturnTo=${encodeURIComponent(`${mellon.origin}/out/`)}`);
  await page.waitForURL(`${mellon.origin}/out/`);
  assert.equal(await isSignedIn(page), false);
  await page.goto(`${mellon.origin}/`);
  assert.match(await page.title(), /Sign in/);
  await page.context().close();
});

test("SimpleSAMLphp opens without a password after an OpenID Connect sign-in, and hears of that one's sign-out", async () => {
  const page = await newPage();
  await open(page, oidc.authorizeUrl("app", { redirect_uri: back }));
  await page.waitForURL(`${back}**`);
  await page.goto(`${simple.origin}/app`);
  await page.waitForSelector("#attributes", { state: "attached" });
  const { attributes, format } = await told(page);
  assert.deepEqual(attributes, { [MAIL]: ["demo@example.org"], groups: ["staff"] });
  assert.equal(format, PERSISTENT);
  await page.goto(`${idp.issuer}/oidc/logout`);
  await page.click("button[value=yes]");
  await page.waitForSelector(".state-done");
  await page.goto(`${simple.origin}/out`);
  assert.equal(await page.textContent("h1"), "Signed out");
  await page.context().close();
});

test("SimpleSAMLphp's logout takes mod_auth_mellon along", async () => {
  const page = await newPage();
  await open(page, `${mellon.origin}/`);
  await page.waitForURL(`${mellon.origin}/`);
  await page.goto(`${simple.origin}/app`);
  await page.waitForSelector("#attributes", { state: "attached" });
  await page.goto(`${simple.origin}/logout`);
  await page.waitForURL(`${simple.origin}/out**`);
  assert.equal(await page.textContent("h1"), "Signed out");
  await page.goto(`${mellon.origin}/`);
  assert.match(await page.title(), /Sign in/, mellon.log());
  await page.context().close();
});

for (const start of ["/", "/post"]) {
  test(`pysaml2 reads an encrypted assertion after a request by ${start === "/" ? "Redirect" : "a cross-site POST"}, and its logout ends the session`, async () => {
    const page = await newPage();
    await open(page, py.origin + start);
    if (start === "/post") await signInAfterPost(page);
    await page.waitForSelector("#attributes", { state: "attached" });
    const { attributes, format } = await told(page);
    assert.deepEqual(Object.values(attributes), [["demo@example.org"]], py.log());
    assert.equal(format, PERSISTENT);
    await page.goto(`${py.origin}/logout`);
    await page.waitForURL(`${py.origin}/out`);
    assert.equal(await page.textContent("h1"), "Signed out");
    assert.equal(await isSignedIn(page), false);
    await page.context().close();
  });
}

/** pysaml2's page posts its request by a script of its own. */
async function signInAfterPost(page: Page): Promise<void> {
  await page.waitForURL(`${idp.issuer}/login/saml/**`);
  await page.fill("#username", "demo");
  await page.fill("#password", "right");
  await page.click("button.primary");
}
