import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type Browser, chromium, type Page } from "playwright-core";
import { serveDemoApplication } from "../../src/demo/application.ts";
import { type Apache, startApache } from "../support/apache.ts";
import { freePort } from "../support/free-port.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { SCRIPT } from "../support/journey.ts";

const SECRET = "a-secret-of-the-test-application";

let idp: TestIdp;
let apache: Apache;
let browser: Browser;
let demo: { readonly origin: string; readonly close: () => Promise<void> };

before(async () => {
  const [port, demoPort] = [await freePort(), await freePort()];
  const [own, other] = [`http://127.0.0.1:${port}`, `http://127.0.0.1:${demoPort}`];
  idp = await startIdp({
    script: SCRIPT,
    oidc: `  clients:
    - { client_id: apache, client_name: Apache, client_secret: ${SECRET}, redirect_uris: ["${own}/callback"], post_logout_redirect_uris: ["${own}/out/"], skip_consent: true }
    - { client_id: demo, client_name: Demo, client_secret: ${SECRET}, redirect_uris: ["${other}/callback"], post_logout_redirect_uris: ["${other}/"], grant_types: [authorization_code, refresh_token], skip_consent: true }`,
  });
  apache = await startApache({ port, issuer: idp.issuer, clientId: "apache", clientSecret: SECRET });
  const close = await serveDemoApplication({
    issuer: idp.issuer,
    clientId: "demo",
    clientSecret: SECRET,
    origin: other,
    host: "127.0.0.1",
    port: demoPort,
  });
  demo = { origin: other, close };
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
after(async () => {
  await browser.close();
  await demo.close();
  await apache.stop();
  await idp.stop();
});

async function newPage(javaScriptEnabled = true): Promise<Page> {
  const page = await (await browser.newContext({ javaScriptEnabled, locale: "en" })).newPage();
  page.setDefaultTimeout(10_000);
  return page;
}

async function signIn(page: Page): Promise<void> {
  await page.fill("#username", "demo");
  await page.fill("#password", "right");
  await page.click("button.primary");
}

for (const javaScriptEnabled of [true, false]) {
  test(`Apache's mod_auth_openidc lets a person in with their claims and out again, JavaScript ${javaScriptEnabled ? "on" : "off"}`, async () => {
    const page = await newPage(javaScriptEnabled);
    await page.goto(`${apache.origin}/`);
    assert.match((await page.textContent("p.lede")) ?? "", /to continue to Apache/);
    const answer = page.waitForResponse(
      (response) => response.url() === `${apache.origin}/` && response.status() === 200,
    );
    await signIn(page);
    const { "x-remote-user": user, "x-groups": groups } = (await answer).headers();
    assert.deepEqual({ user, groups }, { user: "demo@example.org", groups: "staff" }, apache.log());

    await page.waitForURL(`${apache.origin}/`);
    await page.goto(`${apache.origin}/callback?logout=${encodeURIComponent(`${apache.origin}/out/`)}`);
    await page.click("button[value=yes]");
    await page.waitForURL(`${apache.origin}/out/**`);
    await page.goto(`${apache.origin}/`);
    assert.match(await page.title(), /Sign in/);
    await page.context().close();
  });
}

test("one sign-in serves Apache and the demo application, and two tabs interleaved both arrive", async () => {
  const first = await newPage();
  const second = await first.context().newPage();
  second.setDefaultTimeout(10_000);
  await first.goto(`${apache.origin}/`);
  await second.goto(`${demo.origin}/login`);
  await signIn(first);
  await first.waitForURL(`${apache.origin}/`);
  await signIn(second);
  // The demo application asks for consent itself (offline_access), so it is asked for although the client may skip it.
  await second.click("button[value=allow]");
  await second.waitForURL(`${demo.origin}/`);
  assert.match((await second.textContent("h1")) ?? "", /Hello, Name of demo/);

  const third = await first.context().newPage();
  await third.goto(`${apache.origin}/`);
  assert.equal(await third.textContent("h1"), "Protected page");
  await first.context().close();
});
