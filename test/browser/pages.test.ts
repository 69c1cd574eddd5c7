import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import express from "express";
import { type Browser, chromium } from "playwright-core";
import { brandCss, createPages, loadAssets, securityHeaders } from "../../src/http/index.ts";
import { PAGE_STATES } from "../unit/http/page-states.ts";

const AXE = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** The corners: a desktop in light, a phone in dark, the smallest screen, and a text size of 200 %. */
const VIEWS = [
  {
    name: "a desktop in light",
    viewport: { width: 1280, height: 800 },
    colorScheme: "light",
    accent: "#2f5bd0",
    lang: "en",
  },
  {
    name: "a phone in dark with a yellow brand",
    viewport: { width: 390, height: 844 },
    colorScheme: "dark",
    accent: "#e8b100",
    lang: "de",
  },
  {
    name: "the smallest screen with a grey brand",
    viewport: { width: 320, height: 256 },
    colorScheme: "light",
    accent: "#808080",
    lang: "de",
  },
] as const;

let browser: Browser;
before(async () => {
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
after(() => browser.close());

async function serve(accent: string, lang: string): Promise<{ readonly server: Server; readonly origin: string }> {
  const app = express();
  const assets = loadAssets("public", { "brand.css": brandCss(accent) });
  const pages = createPages({
    viewsRoot: "views",
    assets,
    ui: { product: "Example ID", languages: ["en", "de"] },
    links: { help: undefined },
  });
  const setHeaders = securityHeaders({ issuer: "http://localhost" });
  app.use((req, res, next) => {
    setHeaders(req, res);
    next();
  });
  app.use(assets.router);
  app.get("/:state", (req, res) => {
    const found = PAGE_STATES.find(({ state }) => state === req.params.state);
    if (found === undefined) return void res.status(404).end();
    // The hand-off page would leave at once.
    const html = pages.render({ url: "/x", uiLocales: lang }, found.name, found.model);
    res.type("html").send(html.replace(/<meta http-equiv="refresh"[^>]*>/, ""));
  });
  const server = app.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  return { server, origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

for (const { name, viewport, colorScheme, accent, lang } of VIEWS) {
  test(`every page in every state is accessible, fits and breaks no policy on ${name}`, async () => {
    const { server, origin } = await serve(accent, lang);
    const page = await (await browser.newContext({ viewport, colorScheme, reducedMotion: "reduce" })).newPage();
    const complaints: string[] = [];
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().includes("404")) complaints.push(message.text());
    });
    const debug = await page.context().newCDPSession(page);
    try {
      // A page that posts by itself leaves before anybody can look: the sign-in tests see it.
      for (const { state } of PAGE_STATES.filter((shown) => shown.name !== "saml/post")) {
        await page.goto(`${origin}/${state}`);
        await debug.send("Runtime.evaluate", { expression: AXE });
        const { result } = await debug.send("Runtime.evaluate", {
          expression: `axe.run().then(({ violations }) => ({
            violations: violations.map(({ id, nodes }) => id + " " + nodes[0].html),
            overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
            moving: document.getAnimations().length,
          }))`,
          awaitPromise: true,
          returnByValue: true,
        });
        assert.deepEqual({ state, ...(result.value as object) }, { state, violations: [], overflow: 0, moving: 0 });
      }
      assert.deepEqual(complaints, []);
    } finally {
      await page.context().close();
      server.closeAllConnections();
      server.close();
    }
  });
}
