import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { serveDemoApplication } from "../../src/demo/application.ts";
import { serveSamlDemo } from "../../src/demo/saml-application.ts";
import { freePort } from "../support/free-port.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { SCRIPT } from "../support/journey.ts";
import { testKey } from "../support/saml/service-provider.ts";

const SECRET = "a-secret-of-the-test-application";

let idp: TestIdp;
let browser: Browser;
let folder: string;
let origins: { readonly oidc: string; readonly saml: string };
const stops: (() => Promise<void>)[] = [];

before(async () => {
  const [oidcPort, samlPort] = [await freePort(), await freePort()];
  // Another site than the provider's localhost, as in real life.
  origins = { oidc: `http://127.0.0.1:${oidcPort}`, saml: `http://127.0.0.1:${samlPort}` };
  const key = await testKey("demo");
  folder = mkdtempSync(join(tmpdir(), "moonlatch-saml-"));
  writeFileSync(join(folder, "sp.pem"), key.certificate);
  idp = await startIdp({
    script: SCRIPT,
    folder,
    oidc: `  clients:
    - { client_id: demo, client_name: OIDC demo, client_secret: ${SECRET}, redirect_uris: ["${origins.oidc}/callback"], post_logout_redirect_uris: ["${origins.oidc}/"], grant_types: [authorization_code, refresh_token], skip_consent: true, backchannel_logout_uri: "${origins.oidc}/backchannel" }`,
    more: `outgoing: { allow: [127.0.0.0/8] }
saml:
  service_providers:
    - { entity_id: "${origins.saml}/metadata", name: SAML demo, acs: ["${origins.saml}/acs"], slo: [{ url: "${origins.saml}/slo" }], certificates: [./sp.pem], require_signed_requests: true }`,
  });
  const place = { host: "127.0.0.1", issuer: idp.issuer };
  stops.push(
    await serveDemoApplication({
      ...place,
      clientId: "demo",
      clientSecret: SECRET,
      origin: origins.oidc,
      port: oidcPort,
      other: origins.saml,
    }),
  );
  stops.push(await serveSamlDemo({ ...place, key, origin: origins.saml, port: samlPort, other: origins.oidc }));
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
after(async () => {
  await browser.close();
  for (const stop of stops) await stop();
  await idp.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function newPage(javaScriptEnabled = true): Promise<Page> {
  const page = await (await browser.newContext({ javaScriptEnabled, locale: "en" })).newPage();
  page.setDefaultTimeout(10_000);
  return page;
}

/** Without scripts a person presses the button that a script would. */
async function onward(page: Page, javaScriptEnabled: boolean): Promise<void> {
  if (!javaScriptEnabled) await page.click("form button.primary");
}

async function signInBySaml(page: Page, javaScriptEnabled: boolean): Promise<void> {
  await page.goto(`${origins.saml}/login`);
  assert.match((await page.textContent("p.lede")) ?? "", /to continue to SAML demo/);
  await page.fill("#username", "demo");
  await page.fill("#password", "right");
  await page.click("button.primary");
  if (!javaScriptEnabled) await page.waitForSelector("input[name=SAMLResponse]", { state: "attached" });
  await onward(page, javaScriptEnabled);
  await page.waitForURL(`${origins.saml}/`);
  assert.match((await page.textContent("h1")) ?? "", /Hello, Name of demo/);
}

for (const javaScriptEnabled of [true, false]) {
  const how = `JavaScript ${javaScriptEnabled ? "on" : "off"}`;

  test(`a person signs in to the SAML application, opens the other without a password, and signing out of the first ends both, ${how}`, async () => {
    const page = await newPage(javaScriptEnabled);
    await signInBySaml(page, javaScriptEnabled);
    await page.goto(`${origins.oidc}/login`);
    if ((await page.locator("button[value=allow]").count()) > 0) await page.click("button[value=allow]");
    await page.waitForURL(`${origins.oidc}/`);
    assert.match((await page.textContent("h1")) ?? "", /Hello, Name of demo/);
    await page.goto(`${origins.saml}/logout`);
    await page.waitForURL(`${origins.saml}/`);
    assert.equal(await page.textContent("h1"), "SAML demo application");
    await page.goto(`${origins.oidc}/`);
    assert.equal(await page.textContent("h1"), "Demo application", "the back channel ended its session");
    await page.goto(`${origins.oidc}/login`);
    assert.match(await page.title(), /Sign in/);
    await page.context().close();
  });

  test(`signing out of the OpenID Connect application signs out of the SAML one, with a page that says so, ${how}`, async () => {
    const page = await newPage(javaScriptEnabled);
    await signInBySaml(page, javaScriptEnabled);
    await page.goto(`${origins.oidc}/login`);
    if ((await page.locator("button[value=allow]").count()) > 0) await page.click("button[value=allow]");
    await page.waitForURL(`${origins.oidc}/`);
    await page.goto(`${origins.oidc}/logout`);
    await page.click("button[value=yes]");
    await page.waitForSelector(".state-done");
    assert.match((await page.textContent(".states")) ?? "", /SAML demo\s+Signed out/);
    await page.waitForURL(`${origins.oidc}/`);
    await page.goto(`${origins.saml}/`);
    assert.equal(await page.textContent("h1"), "SAML demo application");
    await page.context().close();
  });
}

test("an application that hangs at sign-out is given up after some seconds, and the page says so", async () => {
  const page = await newPage();
  await signInBySaml(page, true);
  await page.route(`${origins.saml}/slo**`, () => undefined);
  await page.goto(`${idp.issuer}/oidc/logout`);
  await page.click("button[value=yes]");
  await page.waitForSelector(".state-failed", { timeout: 20_000 });
  assert.match((await page.textContent(".states")) ?? "", /SAML demo\s+Not confirmed/);
  await page.context().close();
});
