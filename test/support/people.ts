/// <reference lib="dom" />
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { CDPSession, Page } from "playwright-core";

const AXE = readFileSync(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/** The pages' own policy forbids inline scripts; the debugger may run one all the same. */
export async function accessible(page: Page): Promise<void> {
  const debug = await page.context().newCDPSession(page);
  await debug.send("Runtime.evaluate", { expression: AXE });
  const { result } = await debug.send("Runtime.evaluate", {
    expression:
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html ?? ''}`))",
    awaitPromise: true,
    returnByValue: true,
  });
  // Not detached: that would take the page's virtual authenticators away.
  assert.deepEqual(result.value, [], page.url());
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${page.url()} is wider than the screen by ${wide}`);
}

interface Key {
  readonly id: string;
  readonly debug: CDPSession;
}

/** A virtual authenticator of this page; touched by itself. */
export async function plugIn(page: Page, kind: "passkey" | "key"): Promise<Key> {
  const debug = await page.context().newCDPSession(page);
  await debug.send("WebAuthn.enable", { enableUI: false });
  const { authenticatorId } = await debug.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: kind === "passkey" ? "internal" : "usb",
      hasResidentKey: kind === "passkey",
      hasUserVerification: kind === "passkey",
      isUserVerified: kind === "passkey",
      automaticPresenceSimulation: true,
    },
  });
  return { id: authenticatorId, debug };
}

export async function unplug({ id, debug }: Key): Promise<void> {
  await debug.send("WebAuthn.removeVirtualAuthenticator", { authenticatorId: id });
}
