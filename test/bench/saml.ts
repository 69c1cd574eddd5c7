// The inbound gate, a signed response, and a whole SAML login, each beside samlify's bare path or the RSA signature nobody can avoid.
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { IdentityProvider, ServiceProvider as samlifyServiceProvider, setSchemaValidator } from "samlify";
import { realWorld } from "../../src/app/index.ts";
import { createInboundGate } from "../../src/saml/inbound/gate.ts";
import { successResponse } from "../../src/saml/outbound/response.ts";
import { createSigner } from "../../src/saml/outbound/signer.ts";
import type { ServiceProvider } from "../../src/saml/sp/model.ts";
import { loadSchemas } from "../../src/saml/xml/schema.ts";
import { createVisitor } from "../support/browser.ts";
import { startIdp } from "../support/idp.ts";
import { SCRIPT } from "../support/journey.ts";
import { samlJourney } from "../support/saml/journey.ts";
import { authnRequest, postBody, redirectQuery, signXml } from "../support/saml/messages.ts";
import { testKey } from "../support/saml/service-provider.ts";
import { cpuPerOperation, type Measured } from "./measure.ts";

const ISSUER = "http://localhost:1";
const SP = "https://sp.example/md";
const ACS = "https://sp.example/acs";
const POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
const COUNT = 200;

type Pair = readonly [Measured, Measured];

async function compare(
  { rounds, count = COUNT }: { rounds: number; count?: number },
  names: readonly [string, string],
  own: () => unknown,
  other: () => unknown,
): Promise<Pair> {
  const costs: readonly [number[], number[]] = [[], []];
  for (let round = 0; round <= rounds; round += 1) {
    for (const [at, work] of [own, other].entries()) {
      const cpu = await cpuPerOperation(async () => {
        for (let index = 0; index < count; index += 1) await work();
      }, count);
      // The first round warms up.
      if (round > 0) costs[at === 0 ? 0 : 1].push(cpu);
    }
  }
  return [
    { name: names[0], cpu: costs[0] },
    { name: names[1], cpu: costs[1] },
  ];
}

/** A message is judged again and again here: replay is the store's question, after the gate. */
export async function benchSaml(rounds: number): Promise<{ redirect: Pair; post: Pair; response: Pair; login: Pair }> {
  const [idpKey, spKey] = await Promise.all([testKey("idp"), testKey("sp")]);
  const sp: ServiceProvider = {
    entityId: SP,
    name: "SP",
    acs: [{ url: ACS, index: 0, isDefault: true }],
    slo: [],
    signingKeys: [createPublicKey(spKey.certificate)],
    encryptionCertificate: undefined,
    signsRequests: true,
    settings: {
      attributes: {},
      nameId: "persistent",
      requireSignedRequests: true,
      signResponse: true,
      signAssertion: true,
      encryptAssertion: false,
      idpInitiated: false,
      allowGroups: [],
      policy: { policy: 1, methods: ["webauthn", "totp", "recovery"] },
    },
  };
  const gate = createInboundGate({
    issuer: ISSUER,
    providers: { find: () => sp, all: () => [sp] },
    schemas: loadSchemas(),
    clock: realWorld().clock,
  });
  const xml = authnRequest({ issuer: SP, destination: `${ISSUER}/saml/sso`, acs: ACS });
  const rawQuery = redirectQuery(xml, { privateKey: spKey.privateKey });
  const form = Object.fromEntries(new URLSearchParams(postBody(signXml(xml, { privateKey: spKey.privateKey }))));
  const judge = (arrival: { rawQuery: string; form: Record<string, string> | undefined }) => () => {
    const judged = gate.receive({ endpoint: "/saml/sso", ...arrival });
    if (!judged.ok) throw new Error(JSON.stringify(judged.problem));
  };
  setSchemaValidator({ validate: async () => "skipped" });
  const bareIdp = IdentityProvider({
    entityID: `${ISSUER}/saml/metadata`,
    privateKey: idpKey.privateKey,
    signingCert: idpKey.certificate,
    wantAuthnRequestsSigned: true,
    singleSignOnService: [{ Binding: POST, Location: `${ISSUER}/saml/sso` }],
    singleLogoutService: [{ Binding: POST, Location: ISSUER }],
  });
  const bareSp = samlifyServiceProvider({
    entityID: SP,
    authnRequestsSigned: true,
    signingCert: spKey.certificate,
    wantAssertionsSigned: true,
    wantMessageSigned: true,
    assertionConsumerService: [{ Binding: POST, Location: ACS }],
  });
  const query = Object.fromEntries(new URLSearchParams(rawQuery));
  const octetString = rawQuery.slice(0, rawQuery.indexOf("&Signature="));
  const redirect = await compare({ rounds }, ["gate", "samlify"], judge({ rawQuery, form: undefined }), () =>
    bareIdp.parseLoginRequest(bareSp, "redirect", { query, octetString }),
  );
  const post = await compare({ rounds }, ["gate", "samlify"], judge({ rawQuery: "", form }), () =>
    bareIdp.parseLoginRequest(bareSp, "post", { body: form }),
  );

  const signer = createSigner({ entityId: `${ISSUER}/saml/metadata`, key: idpKey });
  const privateKey = createPrivateKey(idpKey.privateKey);
  const now = Date.now();
  const markup = successResponse(
    { responseId: "_r", issuer: `${ISSUER}/saml/metadata`, destination: ACS, inResponseTo: "_q", now },
    {
      assertionId: "_a",
      audience: SP,
      nameId: { value: "n", format: "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent" },
      sessionIndex: "_s",
      authTime: now / 1000,
      sessionEndsAt: now,
      contextClass: "urn:x",
      attributes: undefined,
    },
  );
  const octets = Buffer.from(markup);
  const response = await compare(
    { rounds },
    ["signed twice", "two RSA-2048 signatures"],
    () => signer.response(markup, sp),
    () => [sign("sha256", octets, privateKey), sign("sha256", octets, privateKey)],
  );

  const idp = await startIdp({
    script: SCRIPT,
    more: `saml: { service_providers: [{ entity_id: "${SP}", acs: ["${ACS}"] }] }`,
  });
  const saml = samlJourney(() => idp.issuer);
  const login = () =>
    saml.signIn(
      createVisitor(),
      `${idp.issuer}/saml/sso?${redirectQuery(authnRequest({ issuer: SP, destination: `${idp.issuer}/saml/sso` }))}`,
    );
  const whole = await compare(
    { rounds, count: 50 },
    ["whole login, browser included", "two RSA-2048 signatures"],
    login,
    () => [sign("sha256", octets, privateKey), sign("sha256", octets, privateKey)],
  );
  await idp.stop();
  return { redirect, post, response, login: whole };
}
