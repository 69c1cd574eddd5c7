import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";
import { andHear, rewrite } from "../support/live-edit.ts";

const TOKEN = "a-token-of-the-test-metrics";

let idp: TestIdp;
const { codeOf, loginPage, signIn, submit } = journeyOf(() => idp.issuer);
before(async () => {
  idp = await startIdp({
    script: SCRIPT,
    oidc: OIDC,
    rereadEvery: 100,
    more: `observability: { metrics: { token: ${TOKEN} } }`,
  });
});
after(() => idp.stop());

const edit = (change: (script: string) => string, says: RegExp): Promise<string> =>
  andHear(idp, says, () => rewrite(join(idp.folder, "backend.lua"), change));
const ready = async (): Promise<readonly [status: string, lua: string | undefined]> => {
  const answer = await fetch(`${idp.issuer}/health/ready`);
  const { status, components } = (await answer.json()) as { status: string; components: Record<string, string> };
  return [status, components["lua"]];
};
const gauge = async (): Promise<string | undefined> => {
  const answer = await fetch(`${idp.issuer}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  return /^moonlatch_stale_scripts (\d)$/m.exec(await answer.text())?.[1];
};
const offers = async () => {
  const discovery = await fetch(`${idp.issuer}/.well-known/openid-configuration`);
  const { acr_values_supported: levels } = (await discovery.json()) as { acr_values_supported: readonly string[] };
  const page = await loginPage(createVisitor());
  return { level2: levels.includes("urn:moonlatch:level:2"), passkey: page.body.includes("/options") };
};

test("a broken script keeps nobody out: the last good one serves, and health and metrics say so", async () => {
  const line = await edit((script) => `${script}\nlocal x = = 1`, /last good one stays in use/);
  assert.match(line, /backend\.lua:\d+: unexpected symbol/);
  assert.deepEqual([...(await ready()), await gauge()], ["ready", "stale", "1"]);
  assert.ok(codeOf(await signIn(createVisitor())));
});

test("a mended script is in use, and what it can do is offered at once", async () => {
  assert.deepEqual(await offers(), { level2: false, passkey: false });
  const functions = ["get_webauthn_credentials", "save_webauthn_credential", "update_webauthn_credential"]
    .map((name) => `function nauthilus_backend_${name}() return 0, {} end`)
    .join("\n");
  await edit((script) => script.replace("local x = = 1", functions), /A script that changed is in use/);
  assert.deepEqual([...(await ready()), await gauge()], ["ready", "ok", "0"]);
  assert.deepEqual(await offers(), { level2: true, passkey: true });
  assert.ok(codeOf(await signIn(createVisitor())));
});

test("a script that refuses from now on is asked from now on", async () => {
  await edit(
    (script) =>
      `${script}\nfunction nauthilus_backend_verify_password() return nauthilus_builtin.BACKEND_RESULT_DENIED end`,
    /A script that changed is in use/,
  );
  const visitor = createVisitor();
  const answer = await submit(visitor, await loginPage(visitor), "demo", "right");
  assert.deepEqual([answer.status, answer.handoff], [303, undefined]);
});
