/// <reference lib="dom" />
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { serveDemoApplication } from "../../src/demo/application.ts";
import { freePort } from "../support/free-port.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";

const AXE = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");
const SCRIPT = readFileSync(new URL("../../lua/minimal.lua", import.meta.url), "utf8");

let idp: TestIdp;
let browser: Browser;
let origin: string;
let closeDemo: () => Promise<void>;

before(async () => {
  const port = await freePort();
  origin = `http://127.0.0.1:${port}`;
  const secret = "a-secret-of-the-demo-application";
  idp = await startIdp({
    script: SCRIPT,
    oidc: `  clients:
    - client_id: demo-app
      client_name: Demo application
      client_secret: ${secret}
      redirect_uris: ["${origin}/callback"]
      post_logout_redirect_uris: ["${origin}/"]
      grant_types: [authorization_code, refresh_token]`,
  });
  closeDemo = await serveDemoApplication({
    issuer: idp.issuer,
    clientId: "demo-app",
    clientSecret: secret,
    origin,
    host: "127.0.0.1",
    port,
  });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
after(async () => {
  await browser.close();
  await closeDemo();
  await idp.stop();
});

async function accessible(page: Page): Promise<void> {
  // The page's own policy forbids inline scripts; the debugger may run one all the same.
  const debug = await page.context().newCDPSession(page);
  await debug.send("Runtime.evaluate", { expression: AXE });
  const { result } = await debug.send("Runtime.evaluate", {
    expression:
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`))",
    awaitPromise: true,
    returnByValue: true,
  });
  await debug.detach();
  assert.deepEqual(result.value, [], page.url());
}

interface Walk {
  readonly javaScriptEnabled: boolean;
  readonly viewport: { width: number; height: number };
  readonly colorScheme: "light" | "dark";
}

async function walk(options: Walk): Promise<void> {
  const context = await browser.newContext({ ...options, bypassCSP: false, locale: "en" });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const look = async () => {
    const width = await page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    assert.ok(width <= 0, `the page is wider than the screen by ${width}: ${page.url()}`);
    if (options.javaScriptEnabled) await accessible(page);
  };
  await page.goto(`${origin}/login`);
  assert.equal(
    await page.title(),
    "Sign in – Moonlatch",
    `${page.url()} ${await page.content()} ${idp.log.slice(-3).join("")}`,
  );
  assert.equal(await page.evaluate(() => document.activeElement?.id), "username");
  await look();
  await page.fill("#username", "demo");
  await page.fill("#password", "wrong");
  await page.click("button.primary");
  await page.waitForSelector(".note-danger");
  assert.equal(await page.title(), "Error: Sign in – Moonlatch");
  assert.equal(await page.inputValue("#username"), "demo");
  assert.equal(await page.inputValue("#password"), "");
  assert.equal(await page.evaluate(() => document.activeElement?.id), "password");
  await look();
  await page.fill("#password", "change-me");
  await page.click("button.primary");
  await page.waitForSelector("button[value=allow]");
  await look();
  await page.click("button[value=allow]");
  await page.waitForURL(`${origin}/`);
  assert.match((await page.textContent("h1")) ?? "", /Hello, Demo/);
  await page.goBack();
  assert.doesNotMatch((await page.textContent("body")) ?? "", /Something went wrong/);
  await page.goto(`${origin}/logout`);
  await look();
  await page.click("button[value=yes]");
  await page.waitForURL(`${origin}/`);
  await page.goto(`${idp.issuer}/`);
  assert.equal(await page.textContent("h1"), "You are not signed in");
  await look();
  await context.close();
}

test("a person signs in to the demo application, allows it and signs out, on a desktop in light", () =>
  walk({ javaScriptEnabled: true, viewport: { width: 1280, height: 800 }, colorScheme: "light" }));

test("the same on a phone in dark", () =>
  walk({ javaScriptEnabled: true, viewport: { width: 390, height: 844 }, colorScheme: "dark" }));

test("the same on the smallest screen with JavaScript off", () =>
  walk({ javaScriptEnabled: false, viewport: { width: 320, height: 480 }, colorScheme: "light" }));

test("a double click on Sign in is one call and still arrives", async () => {
  const page = await (await browser.newContext({ locale: "en" })).newPage();
  page.setDefaultTimeout(10_000);
  const audits = () => idp.log.filter((line) => line.includes('"sign_in"')).length;
  const earlier = audits();
  await page.goto(`${origin}/login`);
  await page.fill("#username", "demo");
  await page.fill("#password", "change-me");
  await page.dblclick("button.primary");
  await page.waitForSelector("button[value=allow], h1 bdi");
  assert.equal(audits() - earlier, 1);
});

test("refusing consent and cancelling the sign-in both lead back to the application", async () => {
  const page = await (await browser.newContext({ locale: "de" })).newPage();
  page.setDefaultTimeout(10_000);
  await page.goto(`${origin}/login`);
  assert.equal(await page.title(), "Anmelden – Moonlatch");
  await page.click("button[value=cancel]");
  await page.waitForURL(`${origin}/callback**`);
  assert.match((await page.textContent("body")) ?? "", /cancelled/);
});
