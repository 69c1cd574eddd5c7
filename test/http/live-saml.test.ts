import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { realWorld } from "../../src/app/index.ts";
import { activateSamlCertificate, addSamlCertificate, removeSamlCertificate } from "../../src/keys/index.ts";
import { openStore } from "../../src/store/index.ts";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { OIDC, SCRIPT } from "../support/journey.ts";
import { andHear, rewrite } from "../support/live-edit.ts";
import { idpCertificate, samlJourney } from "../support/saml/journey.ts";
import { type NodeSamlSp, nodeSamlSp, testKey } from "../support/saml/service-provider.ts";

const entry = (entityId: string): string =>
  `{ entity_id: "${entityId}", acs: ["http://127.0.0.1:9/acs"], certificates: [./sp.crt], require_signed_requests: true }`;
const ENTITY = "http://127.0.0.1:9/metadata";

let idp: TestIdp;
let sp: NodeSamlSp;
let folder: string;
const { signIn } = samlJourney(() => idp.issuer);
const edit = (change: (yaml: string) => string, says: RegExp): Promise<string> =>
  andHear(idp, says, () => rewrite(join(folder, "config.yaml"), change));
const ask = async (): Promise<number> => (await createVisitor().get(await sp.loginUrl())).status;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "moonlatch-live-saml-"));
  writeFileSync(join(folder, "sp.crt"), (await testKey("sp")).certificate);
  idp = await startIdp({
    script: SCRIPT,
    oidc: OIDC,
    folder,
    store: "sqlite",
    rereadEvery: 100,
    more: `saml:\n  service_providers:\n    - ${entry("http://127.0.0.1:9/other")}`,
  });
  sp = await nodeSamlSp({ issuer: idp.issuer, idpCertificate: await idpCertificate(idp.issuer) });
});
after(async () => {
  await idp.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("a service provider written into the configuration is served without a restart, and one taken out is refused", async () => {
  assert.equal(await ask(), 400);
  await edit((yaml) => yaml.replace("127.0.0.1:9/other", "127.0.0.1:9/metadata"), /providers were read again/);
  const page = await signIn(createVisitor(), await sp.loginUrl());
  assert.equal((await sp.profileOf(page.field("SAMLResponse"))).issuer, `${idp.issuer}/saml/metadata`);
  await edit((yaml) => yaml.replace(ENTITY, "http://127.0.0.1:9/other"), /providers were read again/);
  assert.equal(await ask(), 400);
  await edit((yaml) => yaml.replace("127.0.0.1:9/other", "127.0.0.1:9/metadata"), /providers were read again/);
  assert.equal(await ask(), 303);
});

test("a broken certificate file leaves the former certificate in use and is told; the next good one counts", async () => {
  const file = join(folder, "sp.crt");
  const stale = async (): Promise<number> =>
    ((await (await fetch(`${idp.issuer}/health/ready`)).json()) as { stale_metadata: number }).stale_metadata;
  const line = await andHear(idp, /certificate of a service provider/, () => rewrite(file, () => "not a certificate"));
  assert.match(line, /sp\.crt/);
  assert.deepEqual([await ask(), await stale()], [303, 1]);

  const other = (await testKey("other")).certificate;
  rewrite(file, () => other);
  const { clock } = realWorld();
  while ((await stale()) === 1) await clock.sleep(100);
  assert.equal(await ask(), 400, "a request signed with the former key");
  const mine = (await testKey("sp")).certificate;
  rewrite(file, () => mine);
  for (let tries = 0; tries < 150 && (await ask()) !== 303; tries += 1) await clock.sleep(100);
  assert.equal(await ask(), 303);
});

test("a SAML certificate that a command adds is published, and once activated it signs, without a restart", async () => {
  const world = realWorld();
  const store = await openStore(`sqlite:${join(folder, "moonlatch.db")}`, world);
  const published = async (): Promise<readonly string[]> =>
    [...(await (await fetch(`${idp.issuer}/saml/metadata`)).text()).matchAll(/X509Certificate>([^<]+)</g)].map(
      ([, body]) => (body ?? "").replaceAll(/\s/g, ""),
    );
  const bodyOf = (pem: string): string => pem.replaceAll(/-----[^-]+-----|\s/g, "");
  try {
    let ids: readonly { id: string; pem: string }[] = [];
    const changed = (work: () => ReturnType<typeof addSamlCertificate>): Promise<string> =>
      andHear(idp, /SAML certificates changed/, async () => {
        const result = await work();
        if (result.code === "changed") ids = result.certificates;
      });
    await changed(() => addSamlCertificate(store, world, "id.example.org"));
    const [old, next] = ids;
    assert.ok(old !== undefined && next !== undefined);
    assert.deepEqual(new Set(await published()), new Set([bodyOf(old.pem), bodyOf(next.pem)]));
    const early = await signIn(createVisitor(), await sp.loginUrl());
    await sp.profileOf(early.field("SAMLResponse"));

    await changed(() => activateSamlCertificate(store, next.id));
    await changed(() => removeSamlCertificate(store, old.id));
    assert.deepEqual(new Set(await published()), new Set([bodyOf(next.pem)]));
    const renewed = await nodeSamlSp({ issuer: idp.issuer, idpCertificate: next.pem });
    const page = await signIn(createVisitor(), await renewed.loginUrl());
    assert.equal((await renewed.profileOf(page.field("SAMLResponse"))).issuer, `${idp.issuer}/saml/metadata`);
    const late = await signIn(createVisitor(), await sp.loginUrl());
    await assert.rejects(sp.profileOf(late.field("SAMLResponse")), "the former certificate verifies nothing any more");
  } finally {
    await store.close();
  }
});
