import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type Authenticator,
  type CreationOptions,
  createAuthenticator,
  type Lies,
  type RequestOptions,
} from "../support/authenticator.ts";
import { createVisitor, follow, type Visit, type Visitor } from "../support/browser.ts";
import { FACTOR_SCRIPT, reply } from "../support/factors.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf } from "../support/journey.ts";

const SECRET = "client_secret: a-secret-of-the-test-application";
const client = (id: string, more: string) =>
  `    - { client_id: ${id}, client_name: Application ${id}, ${SECRET}, redirect_uris: ["${CALLBACK}"], skip_consent: true${more} }`;
const OIDC = `  clients:\n${client("app", "")}\n${client("phishless", ", require_mfa: 3")}`;
// Every lie is a guess at a key, and this test tells many.
const MFA =
  "mfa: { throttle: { account: 1000/15m, address: 1000/15m } }\nlogin: { throttle: { account: 1000/15m, address: 1000/15m } }";

let idp: TestIdp;
const { codeOf, loginPage, redeem, submit } = journeyOf(() => idp.issuer);
before(async () => {
  idp = await startIdp({ script: FACTOR_SCRIPT, oidc: OIDC, more: MFA });
});
after(() => idp.stop());

const honest = (): Authenticator => createAuthenticator({ origin: idp.issuer });

async function password(visitor: Visitor, username: string, app = "app"): Promise<Visit> {
  return follow(visitor, await submit(visitor, await loginPage(visitor, app), username, "right"), idp.issuer);
}

async function optionsOf(visitor: Visitor, page: Visit): Promise<CreationOptions & RequestOptions> {
  const answer = await visitor.post(`${page.url}/options`, { csrf: page.field("csrf") });
  assert.equal(answer.status, 200, answer.body);
  return JSON.parse(answer.body) as CreationOptions & RequestOptions;
}

async function claimsAt(visitor: Visitor, page: Visit, app: string): Promise<Record<string, unknown>> {
  assert.ok(page.handoff !== undefined, page.body);
  const end = await follow(visitor, await visitor.get(new URL(page.handoff, idp.issuer).href), idp.issuer);
  const tokens = (await (await redeem(codeOf(end), app)).json()) as { id_token: string };
  return JSON.parse(Buffer.from(tokens.id_token.split(".")[1] ?? "", "base64url").toString()) as Record<
    string,
    unknown
  >;
}

/** Registers a key because an application demands one, up to the posted answer. */
async function register(username: string, authenticator: Authenticator, lies: Lies = {}) {
  const visitor = createVisitor();
  const page = await password(visitor, username, "phishless");
  const made = authenticator.register(await optionsOf(visitor, page), lies);
  const answer = await reply(visitor, page, { answer: JSON.stringify(made) });
  return { visitor, page, answer, made };
}

/** A person with a key; recovery codes are saved as well. */
async function withKey(username: string, authenticator = honest()): Promise<Authenticator> {
  const { visitor, answer } = await register(username, authenticator);
  const codes = await follow(visitor, answer, idp.issuer);
  assert.match(codes.body, /Save your recovery codes/, codes.body);
  const claims = await claimsAt(visitor, await reply(visitor, codes, { saved: "on" }), "phishless");
  assert.deepEqual([claims["acr"], claims["amr"]], ["urn:moonlatch:level:3", ["pwd", "hwk", "user", "mfa"]]);
  return authenticator;
}

async function assertWith(username: string, authenticator: Authenticator, lies: Lies = {}) {
  const visitor = createVisitor();
  const page = await password(visitor, username);
  const made = authenticator.assert(await optionsOf(visitor, page), lies);
  const answer = await reply(visitor, page, { answer: JSON.stringify(made) });
  return { visitor, page, answer, made };
}

test("a key is set up where an application demands it, and asked for at every sign-in after that", async () => {
  const key = await withKey("ann");
  const { visitor, answer } = await assertWith("ann", key);
  assert.deepEqual((await claimsAt(visitor, answer, "app"))["amr"], ["pwd", "hwk", "user", "mfa"]);
  assert.ok(idp.log.some((line) => line.includes("spy update_webauthn_credential user=ann cid=app")));
});

for (const algorithm of [-7, -8, -257] as const)
  test(`a key of algorithm ${algorithm} works`, async () => {
    const key = createAuthenticator({ origin: idp.issuer, algorithm });
    await withKey(`alg${-algorithm}`, key);
    const { visitor, answer } = await assertWith(`alg${-algorithm}`, key);
    assert.equal((await claimsAt(visitor, answer, "app"))["acr"], "urn:moonlatch:level:3");
  });

const REGISTRATION_LIES: Readonly<Record<string, Lies>> = {
  "the origin of a subdomain": { origin: "http://evil.localhost" },
  "the origin with a suffix": { origin: "http://localhost.evil.example" },
  "another port": { origin: "http://localhost:1" },
  "the origin null": { origin: "null" },
  "another relying party": { rpId: "evil.example" },
  "the type of an assertion": { type: "webauthn.get" },
  "a challenge of its own": { challenge: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
  "no user presence": { userPresent: false, userVerified: false },
  "a frame of another site": { crossOrigin: true },
  "another site on top": { topOrigin: "https://evil.example" },
  "an algorithm nobody offered": { algorithm: -37 },
  "an algorithm that does not fit the key": { algorithm: -257 },
  "an attestation format nobody knows": { format: "trustme" },
  "an attestation statement where there is none": { attestationStatement: "garbage" },
  "CBOR that ends early": { cbor: "truncated" },
  "no attested data": { noAttestedData: true },
  "an id of 1024 bytes": { credentialId: new Uint8Array(1024).fill(7) },
  "a rawId that differs": { rawIdDiffers: true },
  "another credential type": { credentialType: "password" },
  "backed up without being eligible": { backup: { eligible: false, state: true } },
  "client data that is no JSON": { clientDataJson: "not-json" },
};

for (const [lie, lies] of Object.entries(REGISTRATION_LIES))
  test(`a registration with ${lie} is refused and stores nothing`, async () => {
    const username = `reg-${Object.keys(REGISTRATION_LIES).indexOf(lie)}`;
    const { visitor, answer } = await register(username, honest(), lies);
    assert.equal(answer.status, 303, answer.body);
    assert.match((await follow(visitor, answer, idp.issuer)).body, /could not be checked/);
    assert.ok(!idp.log.some((line) => line.includes(`spy save_webauthn_credential user=${username} `)));
  });

test("a registration is good for one answer, for the person and the attempt it was begun for", async () => {
  const key = honest();
  const { visitor, page, made } = await register("reg-once", key);
  const again = await follow(visitor, await visitor.get(page.url), idp.issuer);
  assert.match(again.body, /Save your recovery codes/);
  const other = createVisitor();
  const theirs = await password(other, "reg-other", "phishless");
  await optionsOf(other, theirs);
  const stolen = await follow(other, await reply(other, theirs, { answer: JSON.stringify(made) }), idp.issuer);
  assert.match(stolen.body, /could not be checked/);
});

test("a credential somebody else has is not added", async () => {
  const credentialId = new Uint8Array(32).fill(9);
  await register("dup-one", honest(), { credentialId });
  const { visitor, answer } = await register("dup-two", honest(), { credentialId });
  assert.match((await follow(visitor, answer, idp.issuer)).body, /already in your account/);
});

const ASSERTION_LIES: Readonly<Record<string, Lies>> = {
  "the origin with a suffix": { origin: "http://localhost.evil.example" },
  "the origin null": { origin: "null" },
  "another relying party": { rpId: "evil.example" },
  "the type of a registration": { type: "webauthn.create" },
  "a challenge of its own": { challenge: "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" },
  "no user presence": { userPresent: false, userVerified: false },
  "a frame of another site": { crossOrigin: true },
  "the signature of another key": { signature: "wrong-key" },
  "a shortened signature": { signature: "truncated" },
  "a signature of something else": { signature: "of-other-data" },
  "a rawId that differs": { rawIdDiffers: true },
  "another credential type": { credentialType: "password" },
  "a backup eligibility that changed": { backup: { eligible: true, state: true } },
  "client data that is no JSON": { clientDataJson: "not-json" },
};

for (const [lie, lies] of Object.entries(ASSERTION_LIES))
  test(`an assertion with ${lie} is refused`, async () => {
    const username = `as-${Object.keys(ASSERTION_LIES).indexOf(lie)}`;
    const key = await withKey(username);
    const { visitor, answer } = await assertWith(username, key, lies);
    assert.equal(answer.status, 303, answer.body);
    assert.match((await follow(visitor, answer, idp.issuer)).body, /could not be checked/);
  });

test("a use count that goes back is refused as a possible copy, written down, and changes nothing", async () => {
  const key = await withKey("counter");
  for (const counter of [1, 0]) {
    const { visitor, answer } = await assertWith("counter", key, { counter });
    assert.match((await follow(visitor, answer, idp.issuer)).body, /use count does not match/);
  }
  assert.ok(idp.log.some((line) => line.includes("key_clone_suspected")));
});

test("an id nobody has, another person's handle and an oversized id are refused", async () => {
  const key = await withKey("handles");
  const other = await withKey("someone");
  const lies: readonly Lies[] = [
    { credentialId: new Uint8Array(32).fill(3) },
    { credentialId: new Uint8Array(1100).fill(3) },
    { userHandle: other.credentials[0]?.userHandle ?? "" },
    { userHandle: Buffer.from("u-someone").toString("base64url") },
  ];
  for (const lie of lies) {
    const { visitor, answer } = await assertWith("handles", key, lie);
    assert.match((await follow(visitor, answer, idp.issuer)).body, /don’t know this passkey|could not be checked/);
  }
  const stranger = await assertWith("handles", other);
  assert.match((await follow(stranger.visitor, stranger.answer, idp.issuer)).body, /don’t know this passkey/);
});

test("an assertion is good once, and in no other attempt or browser", async () => {
  const key = await withKey("once");
  const first = createVisitor();
  const page = await password(first, "once");
  const made = JSON.stringify(key.assert(await optionsOf(first, page)));
  const thief = createVisitor();
  const theirs = await password(thief, "once");
  assert.match(
    (await follow(thief, await reply(thief, theirs, { answer: made }), idp.issuer)).body,
    /could not be checked/,
  );
  // The thief's try spent the challenge, too.
  assert.match(
    (await follow(first, await reply(first, page, { answer: made }), idp.issuer)).body,
    /could not be checked/,
  );
});

test("a passkey signs in without a user name, and states what it is", async () => {
  const key = createAuthenticator({ origin: idp.issuer, backupEligible: true });
  const { visitor: owner, answer: saved } = await register("passkey", key);
  await reply(owner, await follow(owner, saved, idp.issuer), { saved: "on" });
  const visitor = createVisitor();
  const page = await loginPage(visitor, "phishless");
  const answer = await reply(visitor, page, { answer: JSON.stringify(key.assert(await optionsOf(visitor, page))) });
  const claims = await claimsAt(visitor, answer, "phishless");
  assert.deepEqual(
    [claims["sub"], claims["acr"], claims["amr"]],
    ["u-passkey", "urn:moonlatch:level:3", ["swk", "user", "mfa"]],
  );
});

test("a passkey that did not verify its owner, has no handle or a made-up one signs nobody in", async () => {
  const key = await withKey("first");
  for (const lies of [
    { userVerified: false },
    { userHandle: null },
    { userHandle: "AAAA" },
    { userHandle: "!" },
  ] as const) {
    const visitor = createVisitor();
    const page = await loginPage(visitor, "app");
    const made = key.assert(await optionsOf(visitor, page), lies);
    const refused = await follow(visitor, await reply(visitor, page, { answer: JSON.stringify(made) }), idp.issuer);
    assert.match(refused.body, /could not be checked|don’t know this passkey/);
    assert.equal(refused.handoff, undefined);
  }
});

test("answers that are no credentials at all are refused in words", async () => {
  await withKey("garbage");
  for (const answer of [
    "{}",
    "[]",
    "null",
    "x",
    '{"id":1}',
    JSON.stringify({ id: "a", response: [] }),
    "y".repeat(40_000),
  ]) {
    const visitor = createVisitor();
    const page = await password(visitor, "garbage");
    assert.match(
      (await follow(visitor, await reply(visitor, page, { answer }), idp.issuer)).body,
      /could not be checked/,
      answer,
    );
  }
});
