import assert from "node:assert/strict";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { createVisitor } from "../support/browser.ts";
import { command } from "../support/command.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";

const folder = mkdtempSync(join(tmpdir(), "moonlatch-store-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const store = (...args: readonly string[]) => command(folder, "store", ...args, "-c", "config.yaml");
const serving = async <Value>(work: (idp: TestIdp) => Promise<Value>): Promise<Value> => {
  const idp = await startIdp({ script: SCRIPT, oidc: OIDC, store: "sqlite", folder });
  try {
    return await work(idp);
  } finally {
    await idp.stop();
  }
};

test("a backup is made while people sign in; brought back, it has the same keys, and everybody signs in again", async () => {
  const visitor = createVisitor();
  const keys = await serving(async (idp) => {
    const { authorizeUrl, codeOf, redeem, signIn } = journeyOf(() => idp.issuer);
    const code = codeOf(await signIn(visitor));
    const [backup, redeemed] = await Promise.all([store("backup", "copy.db"), redeem(code)]);
    assert.equal(redeemed.status, 200);
    assert.equal(backup.code, 0, backup.err);
    assert.match(backup.out, /copy\.db: \d+ records, sound\. It holds keys and secrets/);
    assert.equal(statSync(join(folder, "copy.db")).mode & 0o777, 0o600);
    codeOf(await visitor.get(authorizeUrl("app", { prompt: "none" })));
    const used = await store("restore", "copy.db", "--force");
    assert.equal(used.code, 78);
    assert.match(used.err, /moonlatch\.db cannot be used: a process uses it\. Stop the provider first\.\n$/);
    return (await fetch(`${idp.issuer}/oidc/jwks`)).text();
  });

  const careful = await store("restore", "copy.db");
  assert.equal(careful.code, 78);
  assert.match(careful.err, /cannot be used: it has \d+ records\. Say --force/);
  const restored = await store("restore", "copy.db", "--force");
  assert.equal(restored.code, 0, restored.err);
  assert.match(restored.out, /Everybody signs in again.*\n.*stays used up\.\n.*keys rotate --now/);

  await serving(async (idp) => {
    const { authorizeUrl, codeOf, signIn } = journeyOf(() => idp.issuer);
    assert.equal(await (await fetch(`${idp.issuer}/oidc/jwks`)).text(), keys);
    const { location = "" } = await visitor.get(authorizeUrl("app", { prompt: "none" }));
    assert.match(location, /error=login_required/);
    codeOf(await signIn(visitor));
  });
});

test("what is asked of the wrong file is said plainly, for programs too", async () => {
  writeFileSync(join(folder, "text.db"), "text");
  const text = await store("check", "text.db");
  assert.equal(text.code, 78);
  assert.match(text.err, /text\.db cannot be used: the file is not a database/);
  const again = await store("backup", "copy.db");
  assert.equal(again.code, 78);
  assert.match(again.err, /copy\.db cannot be used: the file is there already\. Name a new file\./);
  const check = await store("check", "copy.db", "--json");
  assert.equal(check.code, 0);
  const { sound, problems } = JSON.parse(check.out) as { sound: boolean; problems: unknown };
  assert.deepEqual([sound, problems], [true, []]);
});
