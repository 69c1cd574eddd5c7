import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openRegistry, type Registry } from "../../src/saml/sp/registry.ts";
import type { SpEntry } from "../../src/saml/sp/sources.ts";
import { loadSchemas } from "../../src/saml/xml/schema.ts";
import { openStore, type Store } from "../../src/store/index.ts";
import { createLogger } from "../../src/telemetry/index.ts";
import { createManualWorld } from "../support/manual-clock.ts";
import { testKey } from "../support/saml/service-provider.ts";

const SETTINGS: SpEntry & { kind: "metadata" } = {
  kind: "metadata",
  source: "",
  name: undefined,
  settings: {
    attributes: {},
    nameId: "persistent",
    requireSignedRequests: false,
    signResponse: true,
    signAssertion: true,
    encryptAssertion: false,
    idpInitiated: false,
    allowGroups: [],
    policy: { policy: 1, methods: ["webauthn", "totp", "recovery"] },
  },
};
const HOUR = 3_600_000;
const schemas = loadSchemas();

async function given(context: TestContext) {
  const world = createManualWorld();
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-metadata-"));
  const store = await openStore("memory:", world);
  context.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const log: string[] = [];
  const logger = createLogger({ level: "info", format: "json", write: (line) => void log.push(line) });
  const answers: { text: string | undefined } = { text: undefined };
  const open = (source: string, from: Store = store): Promise<Registry> =>
    openRegistry({
      entries: [{ ...SETTINGS, source }],
      schemas,
      store: from,
      clock: world.clock,
      logger,
      refreshUrls: HOUR,
      fetchText: async () => {
        if (answers.text === undefined) throw new Error("the server answered 502");
        return answers.text;
      },
    });
  return { world, folder, log, answers, open };
}

interface Wanted {
  readonly entityId?: string;
  readonly certificates?: readonly string[];
  readonly validUntil?: number;
  readonly acs?: string;
}

function metadata({
  entityId = "https://sp.example/md",
  certificates = [],
  validUntil,
  acs = "https://sp.example/acs",
}: Wanted = {}): string {
  const until = validUntil === undefined ? "" : ` validUntil="${new Date(validUntil).toISOString()}"`;
  const keys = certificates.map(
    (pem) =>
      `<KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>${pem.replaceAll(/-----[^-]+-----|\s/g, "")}</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>`,
  );
  return `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="${entityId}"${until}><SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">${keys.join("")}<AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="${acs}"/></SPSSODescriptor></EntityDescriptor>`;
}

test("a file is read, again when it changes, and both certificates of a rollover count", async (context) => {
  const { folder, open } = await given(context);
  const file = join(folder, "sp.xml");
  const [one, two] = await Promise.all([testKey("one"), testKey("two")]);
  writeFileSync(file, metadata({ certificates: [one.certificate] }));
  const registry = await open(file);
  assert.equal(registry.find("https://sp.example/md")?.signingKeys.length, 1);
  writeFileSync(file, metadata({ certificates: [one.certificate, two.certificate] }));
  await registry.refresh();
  assert.equal(registry.find("https://sp.example/md")?.signingKeys.length, 2);
});

const BROKEN: Readonly<Record<string, string>> = {
  "not XML": "<EntityDescriptor",
  "not metadata": "<x/>",
  "with a document type": `<!DOCTYPE x>${metadata()}`,
  "without an AssertionConsumerService for POST": metadata().replace("HTTP-POST", "HTTP-Artifact"),
  "with a script as address": metadata({ acs: "javascript:alert(1)" }),
  "with a certificate that is none": metadata().replace(
    'protocol">',
    'protocol"><KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>',
  ),
  "that is over": metadata({ validUntil: Date.UTC(2020, 0, 1) }),
};

for (const [how, document] of Object.entries(BROKEN)) {
  test(`metadata ${how} leaves the last good copy in use, also after a restart, and the log says why`, async (context) => {
    const { folder, open, log } = await given(context);
    const file = join(folder, "sp.xml");
    writeFileSync(file, metadata());
    const registry = await open(file);
    writeFileSync(file, document);
    await registry.refresh();
    assert.equal(registry.find("https://sp.example/md")?.acs[0]?.url, "https://sp.example/acs");
    assert.deepEqual(registry.failing(), [file]);
    assert.match(log.join(""), /could not be used; the last good copy stays.*|"because":"[^"]{10,}"/);
    const restarted = await open(file);
    assert.ok(restarted.find("https://sp.example/md"));
    writeFileSync(file, metadata({ acs: "https://sp.example/mended" }));
    await restarted.refresh();
    assert.equal(restarted.find("https://sp.example/md")?.acs[0]?.url, "https://sp.example/mended");
    assert.deepEqual(restarted.failing(), []);
  });
}

test("an address is read when it is due, and an outage changes nothing", async (context) => {
  const { world, open, answers } = await given(context);
  answers.text = metadata();
  const registry = await open("https://sp.example/md.xml");
  answers.text = metadata({ acs: "https://sp.example/new" });
  await registry.refresh();
  assert.equal(registry.find("https://sp.example/md")?.acs[0]?.url, "https://sp.example/acs", "not due yet");
  world.clock.advance(HOUR);
  await registry.refresh();
  assert.equal(registry.find("https://sp.example/md")?.acs[0]?.url, "https://sp.example/new");
  answers.text = undefined;
  world.clock.advance(HOUR);
  await registry.refresh();
  assert.ok(registry.find("https://sp.example/md"));
  assert.deepEqual(registry.failing(), ["https://sp.example/md.xml"]);
});

test("a copy whose validUntil passes is used no longer", async (context) => {
  const { world, open, answers } = await given(context);
  answers.text = metadata({ validUntil: world.clock.now() + 2 * HOUR });
  const registry = await open("https://sp.example/md.xml");
  assert.ok(registry.find("https://sp.example/md"));
  answers.text = undefined;
  world.clock.advance(3 * HOUR);
  await registry.refresh();
  assert.equal(registry.find("https://sp.example/md"), undefined);
});

test("a folder gives every provider of its files, of aggregates too, and forgets what was removed", async (context) => {
  const { folder, open } = await given(context);
  mkdirSync(join(folder, "sps"));
  writeFileSync(join(folder, "sps/one.xml"), metadata({ entityId: "https://one.example" }));
  writeFileSync(
    join(folder, "sps/many.xml"),
    `<EntitiesDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata">${metadata({ entityId: "https://two.example" })}${metadata({ entityId: "https://three.example" })}</EntitiesDescriptor>`,
  );
  const registry = await open(join(folder, "sps"));
  assert.deepEqual(
    registry
      .all()
      .map(({ entityId }) => entityId)
      .toSorted(),
    ["https://one.example", "https://three.example", "https://two.example"],
  );
  rmSync(join(folder, "sps/one.xml"));
  await registry.refresh();
  assert.equal(registry.find("https://one.example"), undefined);
});
