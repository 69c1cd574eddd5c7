/// <reference lib="dom" />
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { serveDemoApplication } from "../../src/demo/application.ts";
import { serveSamlDemo } from "../../src/demo/saml-application.ts";
import { seedDemoAccounts } from "../../src/lua/index.ts";
import { totpCode } from "../support/factors.ts";
import { freePort } from "../support/free-port.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { accessible, plugIn, unplug } from "../support/people.ts";
import { testKey } from "../support/saml/service-provider.ts";

const SCRIPT = readFileSync(new URL("../../lua/sqlite.lua", import.meta.url), "utf8");
const SECRET = "a-secret-of-the-test-application";
const PEOPLE = ["demo", "editor", "plain", "auto"];

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
  folder = mkdtempSync(join(tmpdir(), "moonlatch-factors-"));
  writeFileSync(join(folder, "sp.pem"), key.certificate);
  const account = (username: string) => ({
    username,
    password: "right",
    display_name: `The ${username} account`,
    groups: [],
  });
  await seedDemoAccounts(join(folder, "accounts.db"), PEOPLE.map(account));
  idp = await startIdp({
    script: SCRIPT,
    folder,
    oidc: `  clients:
    - { client_id: demo, client_name: OIDC demo, client_secret: ${SECRET}, redirect_uris: ["${origins.oidc}/callback"], post_logout_redirect_uris: ["${origins.oidc}/"], grant_types: [authorization_code, refresh_token], skip_consent: true, require_mfa: 2 }`,
    more: `outgoing: { allow: [127.0.0.0/8] }
saml:
  service_providers:
    - { entity_id: "${origins.saml}/metadata", name: SAML demo, acs: ["${origins.saml}/acs"], slo: [{ url: "${origins.saml}/slo" }], certificates: [./sp.pem], require_mfa: 2 }`,
  });
  const place = { host: "127.0.0.1", issuer: idp.issuer };
  stops.push(
    await serveDemoApplication({
      ...place,
      clientId: "demo",
      clientSecret: SECRET,
      origin: origins.oidc,
      port: oidcPort,
    }),
  );
  stops.push(await serveSamlDemo({ ...place, key, origin: origins.saml, port: samlPort }));
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
after(async () => {
  await browser.close();
  for (const stop of stops) await stop();
  await idp.stop();
  rmSync(folder, { recursive: true, force: true });
});

const LOOKS = {
  desktop: { viewport: { width: 1280, height: 800 }, colorScheme: "light", locale: "en" },
  phone: { viewport: { width: 390, height: 844 }, colorScheme: "dark", locale: "en" },
} as const;

async function newPage(look: keyof typeof LOOKS, more: { javaScriptEnabled?: boolean } = {}): Promise<Page> {
  const page = await (await browser.newContext({ ...LOOKS[look], ...more })).newPage();
  page.setDefaultTimeout(10_000);
  return page;
}

async function password(page: Page, username: string): Promise<void> {
  await page.fill("#username", username);
  await page.fill("#password", "right");
  await page.click("form:not([data-webauthn]) button.primary");
}

async function secretOn(page: Page): Promise<string> {
  await page.waitForSelector("svg.qr");
  return ((await page.textContent("details code")) ?? "").replaceAll(" ", "");
}

/** The codes of this step and the next: each is good once, and the tests are faster than the clock. */
function freshCode(secret: string, used: Set<string>): string {
  const code = [0, 1, -1].map((step) => totpCode(secret, step)).find((one) => !used.has(one));
  assert.ok(code !== undefined, "a code that was not used yet");
  used.add(code);
  return code;
}

async function signOut(page: Page): Promise<void> {
  await page.goto(`${idp.issuer}/oidc/logout`);
  await page.click("button[value=yes]");
  await page.waitForSelector("text=/signed out/i");
}

async function heading(page: Page): Promise<string> {
  return ((await page.textContent("h1")) ?? "").trim();
}

async function addKeyFromPortal(page: Page, name: string): Promise<void> {
  await page.goto(`${idp.issuer}/account/methods/keys/new`);
  await page.click("[data-ceremony]");
  await page.waitForSelector("#name");
  await accessible(page);
  await page.fill("#name", name);
  await page.click("button.primary");
  await page.waitForSelector(".note-success");
  assert.match((await page.textContent(".note-success")) ?? "", new RegExp(name));
}

test("a person's life with second factors: set up, used, renamed, lost, replaced", async () => {
  const page = await newPage("desktop");
  const used = new Set<string>();
  // An application demands a second step: an authenticator app, and recovery codes.
  await page.goto(`${origins.oidc}/login`);
  await password(page, "demo");
  await page.waitForSelector("button[value=totp]");
  assert.equal(await heading(page), "Add a second step");
  await accessible(page);
  await page.click("button[value=totp]");
  const secret = await secretOn(page);
  await accessible(page);
  await page.fill("#code", freshCode(secret, used));
  await page.click("button.primary");
  await page.waitForSelector("ol.codes");
  await accessible(page);
  const codes = await page.locator("ol.codes code").allTextContents();
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("a[download]")]);
  assert.equal(readFileSync(await download.path(), "utf8"), codes.map((code) => `${code}\n`).join(""));
  await page.check("input[name=saved]");
  await page.click("button.primary");
  // Access while the person is away is asked for every time.
  await page.click("button[value=allow]");
  await page.waitForURL(`${origins.oidc}/`);
  assert.match(await heading(page), /Hello, The demo account/);

  // Signing in with it, for the other protocol.
  await signOut(page);
  await page.goto(`${origins.saml}/login`);
  await password(page, "demo");
  await page.waitForSelector("#code");
  await accessible(page);
  await page.fill("#code", "000000");
  await page.click("button.primary");
  await page.waitForSelector("#code-error");
  assert.match(await page.title(), /^Error: /);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "code");
  await page.fill("#code", freshCode(secret, used));
  await page.click("button.primary");
  await page.waitForURL(`${origins.saml}/**`);

  // Two keys and a passkey from the account pages; the proof is still fresh.
  for (const name of ["First key", "Second key"]) {
    const key = await plugIn(page, "key");
    await addKeyFromPortal(page, name);
    await unplug(key);
  }
  const passkey = await plugIn(page, "passkey");
  await addKeyFromPortal(page, "My laptop");
  await accessible(page);

  // The passkey signs in without a user name, from the list under the field.
  await signOut(page);
  await page.goto(`${origins.oidc}/login`);
  await page.click("button[value=allow]");
  await page.waitForURL(`${origins.oidc}/`);
  assert.match(await heading(page), /Hello, The demo account/);
  // The same passkey is not added twice.
  await page.goto(`${idp.issuer}/account/methods/keys/new`);
  await page.click("[data-ceremony]");
  await page.waitForFunction(() =>
    /already in your account/.test(document.querySelector("[data-said]")?.textContent ?? ""),
  );

  // Renamed and deleted.
  await page.goto(`${idp.issuer}/account/methods`);
  await page.click("li:has-text('First key') a:has-text('Rename')");
  await page.fill("#name", "Key at home");
  await page.click("button.primary");
  await page.waitForSelector("text=Key at home");
  await page.click("li:has-text('Second key') a.danger");
  await accessible(page);
  await page.click("button.primary");
  await page.waitForSelector("text=/was removed/");
  assert.equal(await page.locator("li:has-text('Second key')").count(), 0);

  // Everything lost: a recovery code gets in, and new codes replace the old ones.
  await unplug(passkey);
  await signOut(page);
  await page.goto(`${origins.oidc}/login`);
  await password(page, "demo");
  await page.waitForSelector("ul.choices");
  assert.match((await page.textContent("ul.choices li:first-child")) ?? "", /Used last time/);
  await accessible(page);
  await page.click("button[value=recovery]");
  await accessible(page);
  await page.fill("#code", (codes[4] ?? "").toUpperCase());
  await page.click("button.primary");
  await page.click("button[value=allow]");
  await page.waitForURL(`${origins.oidc}/`);
  await page.goto(`${idp.issuer}/account/methods`);
  assert.match((await page.textContent("main")) ?? "", /9 codes left/);
  await page.click("a:has-text('Create new codes')");
  await page.waitForSelector("ol.codes");
  await page.check("input[name=saved]");
  await page.click("button.primary");
  await page.waitForSelector(".note-success");
  assert.match((await page.textContent("main")) ?? "", /10 codes left/);
  await page.context().close();
});

test("on a phone a key is set up because a SAML provider demands it, and used for it", async () => {
  const page = await newPage("phone");
  await page.goto(`${origins.saml}/login`);
  await password(page, "editor");
  await page.click("button[value=webauthn]");
  await plugIn(page, "key");
  await accessible(page);
  await page.click("[data-ceremony]");
  await page.waitForSelector("ol.codes");
  await accessible(page);
  await page.check("input[name=saved]");
  await page.click("button.primary");
  await page.waitForURL(`${origins.saml}/**`);
  await signOut(page);
  await page.goto(`${origins.saml}/login`);
  await password(page, "editor");
  await page.waitForSelector("[data-ceremony]");
  await accessible(page);
  await page.click("[data-ceremony]");
  await page.waitForURL(`${origins.saml}/**`);
  await page.context().close();
});

test("what needs no script works without: password, app, recovery codes, account pages, removal", async () => {
  const page = await newPage("phone", { javaScriptEnabled: false });
  const used = new Set<string>();
  await page.goto(`${idp.issuer}/account`);
  await page.fill("#username", "plain");
  await page.fill("#password", "right");
  await page.click("button.primary");
  assert.match(await heading(page), /Hello, The plain account/);
  await page.goto(`${idp.issuer}/account/methods/totp`);
  const secret = ((await page.textContent("details code")) ?? "").replaceAll(" ", "");
  await page.fill("#code", freshCode(secret, used));
  await page.click("button.primary");
  const codes = await page.locator("ol.codes code").allTextContents();
  assert.equal(codes.length, 10);
  await page.check("input[name=saved]");
  await page.click("button.primary");
  await page.waitForSelector(".note-success");
  await signOut(page);
  await page.goto(`${idp.issuer}/account/methods/totp/remove`);
  await page.fill("#username", "plain");
  await page.fill("#password", "right");
  await page.click("button.primary");
  await page.click("button[value=other]");
  await page.click("button[value=recovery]");
  await page.fill("#code", codes[0] ?? "");
  await page.click("button.primary");
  // What was wanted is where the proof leads.
  assert.match(await heading(page), /Turn off your authenticator app/);
  await page.click("button.primary");
  assert.match((await page.textContent(".note-success")) ?? "", /is off/);
  await page.goto(`${idp.issuer}/account/methods/keys/new`);
  assert.match((await page.textContent("main")) ?? "", /Passkeys need JavaScript/);
  await page.context().close();
});

test("a ceremony that is refused or given up says so in words, and another try works", async () => {
  const page = await newPage("desktop");
  await page.goto(`${idp.issuer}/account/methods/keys/new`);
  await password(page, "auto");
  await page.waitForSelector("[data-ceremony]");
  // Nobody touches it: the browser gives up and the person may try again.
  await page.evaluate(() => {
    const { credentials } = navigator;
    const real = credentials.create.bind(credentials);
    let calls = 0;
    credentials.create = (options) =>
      calls++ === 0 ? Promise.reject(new DOMException("given up", "NotAllowedError")) : real(options);
  });
  await page.click("[data-ceremony]");
  await page.waitForFunction(() => /Nothing was added/.test(document.querySelector("[data-said]")?.textContent ?? ""));
  await plugIn(page, "passkey");
  await page.click("[data-ceremony]");
  await page.waitForSelector("ol.codes");
  await page.context().close();
});
