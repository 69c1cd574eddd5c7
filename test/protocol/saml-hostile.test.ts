import assert from "node:assert/strict";
import { createPublicKey, KeyObject, sign, webcrypto } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { realWorld } from "../../src/app/index.ts";
import { createInboundGate } from "../../src/saml/inbound/gate.ts";
import type { ServiceProvider } from "../../src/saml/sp/model.ts";
import { loadSchemas } from "../../src/saml/xml/schema.ts";
import { createVisitor, follow } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { SCRIPT } from "../support/journey.ts";
import {
  encodings,
  floods,
  type Hostile,
  malformed,
  markup,
  misdirection,
  type Target,
} from "../support/saml/hostile.ts";
import { detached } from "../support/saml/hostile-detached.ts";
import { makes, wrapping } from "../support/saml/hostile-signatures.ts";
import { samlJourney } from "../support/saml/journey.ts";
import { authnRequest, logoutRequest, newId, postBody, redirectQuery, signXml } from "../support/saml/messages.ts";
import { testKey } from "../support/saml/service-provider.ts";

let idp: TestIdp;
let folder: string;
let target: Target;
let trap: Server;
let curve: webcrypto.CryptoKeyPair;
let trapAddress: string;
const hits: string[] = [];
const saml = samlJourney(() => idp.issuer);

before(async () => {
  trap = createServer((req, res) => {
    hits.push(req.url ?? "");
    res.end();
  });
  await new Promise<void>((resolve) => trap.listen(0, "127.0.0.1", resolve));
  trapAddress = `http://127.0.0.1:${(trap.address() as AddressInfo).port}`;
  folder = mkdtempSync(join(tmpdir(), "moonlatch-saml-"));
  const [open, strict, attacker] = await Promise.all(["open", "strict", "attacker"].map(testKey));
  assert.ok(open !== undefined && strict !== undefined && attacker !== undefined);
  writeFileSync(join(folder, "open.pem"), open.certificate);
  writeFileSync(join(folder, "strict.pem"), strict.certificate);
  curve = await webcrypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  // Loaded late: the keys folder brings in what it wants loaded first.
  const { X509CertificateGenerator } = await import("@peculiar/x509");
  const certificate = await X509CertificateGenerator.createSelfSigned(
    { name: "CN=curve", keys: curve as never, signingAlgorithm: { name: "ECDSA", hash: "SHA-256" } },
    webcrypto as never,
  );
  writeFileSync(join(folder, "curve.pem"), certificate.toString("pem"));
  idp = await startIdp({
    script: SCRIPT,
    folder,
    more: `saml:
  service_providers:
    - { entity_id: "https://open.example/metadata", acs: ["https://open.example/acs"], slo: [{ url: "https://open.example/slo" }], certificates: [./open.pem] }
    - { entity_id: "https://curve.example/metadata", acs: ["https://curve.example/acs"], certificates: [./curve.pem], require_signed_requests: true }
    - { entity_id: "https://strict.example/metadata", acs: ["https://strict.example/acs"], certificates: [./strict.pem], require_signed_requests: true }`,
  });
  target = {
    destination: `${idp.issuer}/saml/sso`,
    open: { entityId: "https://open.example/metadata", acs: "https://open.example/acs", key: open },
    strict: { entityId: "https://strict.example/metadata", acs: "https://strict.example/acs", key: strict },
    attacker,
  };
});
after(async () => {
  await idp?.stop();
  trap.close();
  rmSync(folder, { recursive: true, force: true });
});

function send(
  hostile: Pick<Hostile, "binding" | "payload" | "query" | "contentType">,
  endpoint = "sso",
): Promise<Response> {
  const address = `${idp.issuer}/saml/${endpoint}`;
  if (hostile.binding === "redirect") return fetch(`${address}?${hostile.payload}`, { redirect: "manual" });
  const headers = {
    "content-type": hostile.contentType ?? "application/x-www-form-urlencoded",
    origin: "https://evil.example",
    "sec-fetch-site": "cross-site",
  };
  return fetch(`${address}${hostile.query === undefined ? "" : `?${hostile.query}`}`, {
    method: "POST",
    headers,
    body: hostile.payload,
    redirect: "manual",
  });
}

async function isRefused(hostile: Hostile): Promise<void> {
  const logged = idp.log.length;
  const response = await send(hostile);
  const body = await response.text();
  const lines = idp.log.slice(logged).join("");
  assert.ok(response.status >= 400 && response.status < 500, `${response.status}: ${lines}`);
  assert.equal(response.headers.get("location"), null);
  assert.doesNotMatch(body, /SAMLResponse|<form|evil\.example|alert\(1\)/);
  if (lines.includes("SAML_MESSAGE_REFUSED")) assert.match(lines, /"rule":"[^"]+","at":"[^"]+","expected":"[^"]+"/);
}

async function isAccepted(message: Pick<Hostile, "binding" | "payload">): Promise<void> {
  const response = await send(message);
  assert.equal(response.status, 303, idp.log.at(-1));
  assert.match(response.headers.get("location") ?? "", /^\/login\/saml\/[\w-]+$/);
}

const CLASSES: Readonly<Record<string, (target: Target) => Hostile[]>> = {
  "markup beyond tags and text": (to) => markup(to, trapAddress),
  "floods and bombs": floods,
  "malformed messages": malformed,
  "misdirected answers": misdirection,
  "wrong encodings": encodings,
  "detached signatures": detached,
  "signature wrapping": wrapping,
  "signatures of a wrong make": makes,
};

for (const [title, generate] of Object.entries(CLASSES)) {
  test(`${title}: every message is refused, and an honest one is taken on both bindings before and after`, async (context) => {
    const honest = () =>
      authnRequest({ issuer: target.open.entityId, destination: target.destination, acs: target.open.acs });
    const signed = () => authnRequest({ issuer: target.strict.entityId, destination: target.destination });
    const controls = async () => {
      await isAccepted({ binding: "redirect", payload: redirectQuery(honest(), { relayState: "r" }) });
      await isAccepted({ binding: "post", payload: postBody(honest(), { RelayState: "r" }) });
      await isAccepted({
        binding: "redirect",
        payload: redirectQuery(signed(), { privateKey: target.strict.key.privateKey }),
      });
      await isAccepted({
        binding: "post",
        payload: postBody(signXml(signed(), { privateKey: target.strict.key.privateKey })),
      });
    };
    await controls();
    const messages = generate(target);
    for (const message of messages)
      await context.test(`${message.attackClass}: ${message.name} is refused over ${message.binding}`, () =>
        isRefused(message),
      );
    await controls();
    assert.deepEqual(hits, [], "nothing a message named was fetched");
  });
}

test("the corpus holds at least 120 messages", () => {
  const all = Object.values(CLASSES).flatMap((generate) => generate(target));
  assert.ok(all.length >= 120, String(all.length));
  assert.equal(
    new Set(all.map(({ attackClass, name, binding }) => `${attackClass} ${name} ${binding}`)).size,
    all.length,
  );
});

test("octets are verified as received: lower-case percent encoding of a foreign sender is taken", async () => {
  const lower = (text: string): string =>
    encodeURIComponent(text).replaceAll(/%[0-9A-F]{2}/g, (code) => code.toLowerCase());
  const xml = authnRequest({ issuer: target.open.entityId, destination: target.destination });
  await isAccepted({
    binding: "redirect",
    payload: redirectQuery(xml, { relayState: "a+b/c", privateKey: target.open.key.privateKey, encode: lower }),
  });
});

describe("a message is used once", () => {
  const request = (id: string, more = ""): string =>
    authnRequest({ issuer: target.open.entityId, destination: target.destination, id, attributes: more });

  test("after its answer it is refused everywhere", async () => {
    const url = `${target.destination}?${redirectQuery(request(newId()))}`;
    const visitor = createVisitor();
    const page = await saml.signIn(visitor, url);
    assert.notEqual(page.field("SAMLResponse"), "");
    assert.equal((await visitor.get(url)).status, 400);
    assert.equal((await createVisitor().get(url)).status, 400);
  });

  test("while it is open, the same browser goes on with it and another one does not", async () => {
    const url = `${target.destination}?${redirectQuery(request(newId()))}`;
    const [first, other] = [createVisitor(), createVisitor()];
    const page = await follow(first, await first.get(url), idp.issuer);
    const again = await follow(first, await first.get(url), idp.issuer);
    assert.equal(again.url, page.url);
    assert.equal((await follow(other, await other.get(url), idp.issuer)).status, 400);
  });

  test("the same id with other content is no second copy", async () => {
    const id = newId();
    await isAccepted({ binding: "redirect", payload: redirectQuery(request(id)) });
    await isRefused({
      attackClass: "replay",
      name: "other content",
      binding: "redirect",
      payload: redirectQuery(request(id, ' ForceAuthn="true"')),
    });
  });
});

test("logout messages that are unsigned, foreign or answer nothing end no session", async () => {
  const visitor = createVisitor();
  const signedIn = () =>
    follow(
      visitor,
      {
        ...first,
        location: `${target.destination}?${redirectQuery(authnRequest({ issuer: target.open.entityId, destination: target.destination }))}`,
      },
      idp.issuer,
    );
  const first = await saml.signIn(
    visitor,
    `${target.destination}?${redirectQuery(authnRequest({ issuer: target.open.entityId, destination: target.destination }))}`,
  );
  const response = Buffer.from(first.field("SAMLResponse"), "base64").toString();
  const nameId = /<saml:NameID[^>]*>([^<]+)</.exec(response)?.[1] ?? "";
  const destination = `${idp.issuer}/saml/slo`;
  const xml = () => logoutRequest(target.open.entityId, destination, nameId);
  const attempts = [
    { binding: "redirect", payload: redirectQuery(xml()) },
    { binding: "post", payload: postBody(xml()) },
    { binding: "redirect", payload: redirectQuery(xml(), { privateKey: target.attacker.privateKey }) },
    { binding: "post", payload: postBody(signXml(xml(), target.attacker)) },
    {
      binding: "post",
      payload: postBody(
        signXml(logoutRequest(target.strict.entityId, destination, nameId), { privateKey: target.open.key.privateKey }),
      ),
    },
    {
      binding: "redirect",
      payload: redirectQuery(xml(), { privateKey: target.open.key.privateKey, parameter: "SAMLResponse" }),
    },
  ] as const;
  for (const attempt of attempts) assert.equal((await send(attempt, "slo")).status, 400);
  assert.notEqual((await signedIn()).field("SAMLResponse"), "", "still signed in");
  assert.equal(
    (
      await send(
        { binding: "post", payload: postBody(signXml(xml(), { privateKey: target.open.key.privateKey })) },
        "slo",
      )
    ).status,
    303,
  );
  assert.equal((await signedIn()).field("SAMLResponse"), "", "the honest one ends it");
});

test("whatever the message, judging it costs less than 50 ms of CPU and 20 MB", () => {
  const sps = [target.open, target.strict].map(
    ({ entityId, acs, key }): ServiceProvider => ({
      entityId,
      name: entityId,
      acs: [{ url: acs, index: 0, isDefault: true }],
      slo: [],
      signingKeys: [createPublicKey(key.certificate)],
      encryptionCertificate: undefined,
      signsRequests: false,
      settings: {
        attributes: {},
        nameId: "persistent",
        requireSignedRequests: entityId === target.strict.entityId,
        signResponse: true,
        signAssertion: true,
        encryptAssertion: false,
        idpInitiated: false,
        allowGroups: [],
        policy: { policy: 1, methods: ["webauthn", "totp", "recovery"] },
      },
    }),
  );
  const providers = { all: () => sps, find: (entityId: string) => sps.find((sp) => sp.entityId === entityId) };
  const gate = createInboundGate({ issuer: idp.issuer, providers, schemas: loadSchemas(), clock: realWorld().clock });
  for (const hostile of Object.values(CLASSES).flatMap((generate) => generate(target))) {
    const form = hostile.binding === "post" ? Object.fromEntries(new URLSearchParams(hostile.payload)) : undefined;
    const rawQuery = hostile.binding === "post" ? (hostile.query ?? "") : hostile.payload;
    const costs = Array.from({ length: 3 }, () => {
      const [cpu, memory] = [process.cpuUsage(), process.memoryUsage().rss];
      gate.receive({ endpoint: "/saml/sso", rawQuery, form });
      const { user, system } = process.cpuUsage(cpu);
      return { milliseconds: (user + system) / 1000, megabytes: (process.memoryUsage().rss - memory) / 1e6 };
    });
    const least = (name: "milliseconds" | "megabytes"): number => Math.min(...costs.map((cost) => cost[name]));
    assert.ok(
      least("milliseconds") < 50 && least("megabytes") < 20,
      `${hostile.attackClass}, ${hostile.name}: ${JSON.stringify(costs)}`,
    );
  }
});

test("an ECDSA signature is taken as r and s side by side (RFC 9231), and refused when it is changed", async () => {
  const xml = authnRequest({ issuer: "https://curve.example/metadata", destination: target.destination });
  const unsigned = `${redirectQuery(xml)}&SigAlg=${encodeURIComponent("http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256")}`;
  const key = KeyObject.from(curve.privateKey);
  const signature = sign("sha256", Buffer.from(unsigned), { key, dsaEncoding: "ieee-p1363" });
  const signed = (bytes: Buffer): string => `${unsigned}&Signature=${encodeURIComponent(bytes.toString("base64"))}`;
  const changed = Buffer.from(signature);
  changed[5] = (changed[5] ?? 0) ^ 1;
  assert.equal((await send({ binding: "redirect", payload: signed(changed) })).status, 400);
  await isAccepted({ binding: "redirect", payload: signed(signature) });
});
