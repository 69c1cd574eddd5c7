import assert from "node:assert/strict";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { runCommand } from "../../src/cli/index.ts";
import { freePort } from "../support/free-port.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { OIDC, SCRIPT } from "../support/journey.ts";
import { andHear, rewrite } from "../support/live-edit.ts";

let idp: TestIdp;
before(async () => {
  idp = await startIdp({ script: SCRIPT, oidc: OIDC, store: "sqlite", rereadEvery: 50 });
});
after(() => idp.stop());

interface Ready {
  readonly code: number;
  readonly text: string;
  readonly components: Readonly<Record<string, string>>;
}

async function ready(): Promise<Ready> {
  const answer = await fetch(`${idp.issuer}/health/ready`);
  const text = await answer.text();
  return { code: answer.status, text, ...(JSON.parse(text) as Pick<Ready, "components">) };
}

const FINE = { store: "ok", lua: "ok", config: "ok", saml_metadata: "ok", keys: "ok", certificates: "ok" };

test("every component has a state word, and nothing else is told", async () => {
  const { code, text, components } = await ready();
  assert.equal(code, 200);
  assert.deepEqual(components, FINE);
  assert.doesNotMatch(text, /[/@]|sqlite|127\.0|localhost|default|moonlatch/);
});

test("the command health says whether an address is ready", async () => {
  const health = async (address: string) => {
    let said = "";
    const write = (text: string): void => void (said += text);
    const code = await runCommand(["health", address], { environment: {}, cwd: ".", write, writeError: write });
    return { code, said };
  };
  const up = await health(`http://127.0.0.1:${idp.port}`);
  assert.deepEqual([up.code, (JSON.parse(up.said) as Pick<Ready, "components">).components], [0, FINE]);
  const down = await health(`http://127.0.0.1:${await freePort()}`);
  assert.deepEqual([down.code, /does not answer \(ECONNREFUSED\)/.test(down.said)], [1, true]);
  assert.equal((await health("localhost")).code, 2);
});

test("a store that cannot be used makes it not ready, keys that cannot be read are stale, until it is mended", async () => {
  const database = new DatabaseSync(join(idp.folder, "moonlatch.db"));
  try {
    database.exec("ALTER TABLE records RENAME TO hidden");
    await andHear(idp, /"task":"keys"/, () => undefined);
    const broken = await ready();
    assert.equal(broken.code, 503);
    assert.deepEqual(broken.components, { ...FINE, store: "down", keys: "stale" });
    assert.doesNotMatch(broken.text, /records|SQL/);
    database.exec("ALTER TABLE hidden RENAME TO records");
    const deadline = Date.now() + 10_000;
    while ((await ready()).components["keys"] !== "ok") assert.ok(Date.now() < deadline);
    assert.deepEqual([(await ready()).code, (await ready()).components], [200, FINE]);
  } finally {
    database.close();
  }
});

test("a configuration with faults is stale, and people are served", async () => {
  const file = join(idp.folder, "config.yaml");
  await andHear(idp, /has faults/, () => rewrite(file, (yaml) => `${yaml}\nnonsense: 1\n`));
  const { code, components } = await ready();
  assert.deepEqual([code, components], [200, { ...FINE, config: "stale" }]);
});
