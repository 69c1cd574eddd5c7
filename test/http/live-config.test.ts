import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";
import { andHear, rewrite } from "../support/live-edit.ts";

let idp: TestIdp;
const { codeOf, loginPage, redeem, signIn } = journeyOf(() => idp.issuer);
before(async () => {
  idp = await startIdp({ script: SCRIPT, oidc: OIDC, rereadEvery: 100 });
});
after(() => idp.stop());

/** Writes the configuration anew, and returns once the running provider said what it made of it. */
const edit = (change: (yaml: string) => string, says: RegExp): Promise<string> =>
  andHear(idp, says, () => rewrite(join(idp.folder, "config.yaml"), change));

const TAKEN = /clients were read again/;
const isStale = async (): Promise<boolean> => {
  const ready = await fetch(`${idp.issuer}/health/ready`);
  assert.equal(ready.status, 200);
  return ((await ready.json()) as { stale_config: boolean }).stale_config;
};

test("a client written into the configuration can be signed in to without a restart", async () => {
  assert.equal((await loginPage(createVisitor(), "fresh")).status, 400);
  await edit((yaml) => yaml.replace("client_id: asking,", "client_id: fresh,"), TAKEN);
  assert.equal((await loginPage(createVisitor(), "fresh")).status, 200);
  assert.equal((await loginPage(createVisitor(), "asking")).status, 400);
  assert.equal(await isStale(), false);
});

test("a client secret that changed in the file is the one that counts, and the former one is refused", async () => {
  const [first, second] = [createVisitor(), createVisitor()];
  assert.equal((await redeem(codeOf(await signIn(first)))).status, 200);
  const code = codeOf(await signIn(second));
  const line = await edit((yaml) => yaml.replace(/a-secret-of/, "another-secret-of"), TAKEN);
  assert.doesNotMatch(line, /another-secret/);
  const refused = await redeem(code);
  assert.deepEqual([refused.status, ((await refused.json()) as { error: string }).error], [401, "invalid_client"]);
  await edit((yaml) => yaml.replace(/another-secret-of/, "a-secret-of"), TAKEN);
  assert.equal((await redeem(codeOf(await signIn(createVisitor())))).status, 200);
});

test("a configuration with faults changes nothing, says where they are, and is told at /health/ready", async () => {
  const line = await edit((yaml) => yaml.replace("client_id: fresh,", "client_idd: fresh,"), /has faults/);
  assert.match(line, /config\.yaml/);
  assert.match(line, /client_idd/);
  assert.equal(await isStale(), true);
  assert.equal((await loginPage(createVisitor(), "fresh")).status, 200);
  await edit(
    (yaml) => yaml.replace("client_idd: fresh, client_name: Asking", "client_id: fresh, client_name: Mended"),
    TAKEN,
  );
  assert.equal(await isStale(), false);
});

test("a change that is more than clients is told to need a restart", async () => {
  await edit((yaml) => `${yaml}\nui: { product: Another name }\n`, /restart/);
  assert.equal(await isStale(), true);
});
