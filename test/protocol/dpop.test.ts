import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT, UnsecuredJWT } from "jose";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf, SCRIPT } from "../support/journey.ts";
import { type Answer, basic, post, SECRET, send } from "../support/oauth.ts";

interface Holder {
  readonly key: Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];
  readonly jwk: JWK;
  readonly privateJwk: JWK;
}

async function createHolder(): Promise<Holder> {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  return { key: privateKey, jwk: await exportJWK(publicKey), privateJwk: await exportJWK(privateKey) };
}

let idp: TestIdp;
let own: Holder;
let stranger: Holder;
const visitor = createVisitor();
before(async () => {
  [own, stranger] = [await createHolder(), await createHolder()];
  const common = `redirect_uris: ["${CALLBACK}"], grant_types: [authorization_code, refresh_token], skip_consent: true`;
  idp = await startIdp({
    script: SCRIPT,
    oidc: `  clients:
    - { client_id: app, client_secret: ${SECRET}, ${common} }
    - { client_id: bound, client_secret: ${SECRET}, dpop_bound_access_tokens: true, ${common} }`,
  });
  await signIn(visitor);
});
after(() => idp.stop());
const { authorizeUrl, codeOf, grantOf, signIn } = journeyOf(() => idp.issuer);

type Claims = Readonly<Record<string, unknown>>;

interface Proof {
  readonly holder?: Holder;
  readonly header?: Claims;
  readonly change?: Claims;
}

const tokenUrl = (): string => `${idp.issuer}/oidc/token`;
const userinfoUrl = (): string => `${idp.issuer}/oidc/userinfo`;
const hash = (value: string): string => createHash("sha256").update(value).digest("base64url");
const ago = (seconds: number): number => Math.floor(Date.now() / 1000) - seconds;

function prove(htm: string, htu: string, { holder = own, header = {}, change = {} }: Proof = {}): Promise<string> {
  return new SignJWT({ jti: randomUUID(), htm, htu, iat: ago(0), ...change })
    .setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk: holder.jwk, ...header })
    .sign(holder.key);
}

async function redeemWith(dpop: string | undefined, client = "app"): Promise<Answer> {
  const code = codeOf(await visitor.get(authorizeUrl(client)));
  return post(tokenUrl(), grantOf(code), { ...basic(client), ...(dpop === undefined ? {} : { dpop }) });
}

async function boundToken(): Promise<string> {
  const { json, text } = await redeemWith(await prove("POST", tokenUrl()));
  assert.equal(json["token_type"], "DPoP", text);
  return String(json["access_token"]);
}

const use = (access: string, dpop: string | undefined, scheme = "DPoP"): Promise<Answer> =>
  send(userinfoUrl(), { headers: { authorization: `${scheme} ${access}`, ...(dpop === undefined ? {} : { dpop }) } });

async function resigned(change: Claims): Promise<string> {
  const [, , signature = ""] = (await prove("POST", tokenUrl())).split(".");
  const part = (value: Claims) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const header = { alg: "ES256", typ: "dpop+jwt", jwk: own.jwk, ...change };
  return `${part(header)}.${part({ jti: randomUUID(), htm: "POST", htu: tokenUrl(), iat: ago(0) })}.${signature}`;
}

/** Proofs for the token endpoint that are none. */
const REFUSED: Readonly<Record<string, () => Promise<string>>> = {
  "for another address": () => prove("POST", userinfoUrl()),
  "for another host": () => prove("POST", "https://evil.example/oidc/token"),
  "for an address that goes on": () => prove("POST", `${tokenUrl()}/x`),
  "for no address": () => prove("POST", tokenUrl(), { change: { htu: undefined } }),
  "for another method": () => prove("GET", tokenUrl()),
  "for the method in small letters": () => prove("post", tokenUrl()),
  "for no method": () => prove("POST", tokenUrl(), { change: { htm: undefined } }),
  "without a jti": () => prove("POST", tokenUrl(), { change: { jti: undefined } }),
  "with a jti that is no text": () => prove("POST", tokenUrl(), { change: { jti: 1 } }),
  "without a time": () => prove("POST", tokenUrl(), { change: { iat: undefined } }),
  "with a nonce that we never gave": () => prove("POST", tokenUrl(), { change: { nonce: "x".repeat(43) } }),
  "with a nonce that is no text": () => prove("POST", tokenUrl(), { change: { nonce: {} } }),
  "of an hour ago": () => prove("POST", tokenUrl(), { change: { iat: ago(3600) } }),
  "of the next hour": () => prove("POST", tokenUrl(), { change: { iat: ago(-3600) } }),
  "of another type": () => prove("POST", tokenUrl(), { header: { typ: "JWT" } }),
  "without a type": () => prove("POST", tokenUrl(), { header: { typ: undefined } }),
  "without a key": () => prove("POST", tokenUrl(), { header: { jwk: undefined } }),
  "that carries its private key": () => prove("POST", tokenUrl(), { header: { jwk: own.privateJwk } }),
  "with somebody else's key": () => prove("POST", tokenUrl(), { header: { jwk: stranger.jwk } }),
  "[3] without a signature": async () =>
    new UnsecuredJWT({ jti: randomUUID(), htm: "POST", htu: tokenUrl() }).setIssuedAt().encode(),
  "[3] whose algorithm was changed to none": () => resigned({ alg: "none" }),
  "whose algorithm was changed to HS256": () => resigned({ alg: "HS256" }),
  "with a shared secret for a key": () => resigned({ alg: "HS256", jwk: { kty: "oct", k: "eA" } }),
  "whose content was changed": () => resigned({}),
  "that is garbage": async () => "garbage",
};

for (const [name, make] of Object.entries(REFUSED)) {
  test(`[44] a proof ${name} is refused, and no token comes of it`, async () => {
    const { status, json, text } = await redeemWith(await make());
    assert.ok(status === 400 || status === 401, text);
    assert.match(String(json["error"]), /^(?:invalid_dpop_proof|use_dpop_nonce)$/);
    assert.equal(json["access_token"], undefined);
  });
}

test("[44] a proof is good once, also for two that come together", async () => {
  const proof = await prove("POST", tokenUrl());
  assert.equal((await redeemWith(proof)).status, 200);
  const again = await redeemWith(proof);
  assert.ok(again.status === 400 || again.status === 401, again.text);
  const parallel = await prove("POST", tokenUrl());
  const answers = await Promise.all(Array.from({ length: 6 }, () => redeemWith(parallel)));
  assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  for (const { status } of answers) assert.ok([200, 400, 401].includes(status), String(status));
});

test("[44] a nonce we gave is taken, and a changed one is answered with the next", async () => {
  const first = await redeemWith(await prove("POST", tokenUrl(), { change: { nonce: "stale" } }));
  assert.equal(first.json["error"], "use_dpop_nonce");
  const nonce = first.headers.get("dpop-nonce") ?? "";
  assert.notEqual(nonce, "");
  assert.equal((await redeemWith(await prove("POST", tokenUrl(), { change: { nonce } }))).status, 200);
  assert.equal(
    (await redeemWith(await prove("POST", tokenUrl(), { change: { nonce: `${nonce}x` } }))).json["error"],
    "use_dpop_nonce",
  );
});

test("[44] an application that binds its tokens gets none without a proof", async () => {
  const { status, json } = await redeemWith(undefined, "bound");
  assert.equal(status, 400);
  assert.match(String(json["error"]), /^invalid_(?:request|dpop_proof|grant)$/);
  assert.equal((await redeemWith(await prove("POST", tokenUrl()), "bound")).json["token_type"], "DPoP");
});

test("[44] a bound token is worth nothing without its key: no proof, another key, another token, another scheme", async () => {
  const access = await boundToken();
  const other = await boundToken();
  const ath = hash(access);
  const proof = (options: Proof = {}) => prove("GET", userinfoUrl(), { change: { ath }, ...options });
  assert.equal((await use(access, await proof())).status, 200);
  const refused: Readonly<Record<string, Answer>> = {
    "no proof": await use(access, undefined),
    "as a bearer token": await use(access, undefined, "Bearer"),
    "as a bearer token with a proof": await use(access, await proof(), "Bearer"),
    "another key": await use(access, await proof({ holder: stranger })),
    "no ath": await use(access, await proof({ change: {} })),
    "another token's ath": await use(access, await proof({ change: { ath: hash(other) } })),
    "another token": await use(other, await proof()),
    "another method": await use(access, await prove("POST", userinfoUrl(), { change: { ath } })),
    "another address": await use(access, await prove("GET", tokenUrl(), { change: { ath } })),
    "in the form": await post(
      userinfoUrl(),
      { access_token: access },
      { dpop: await prove("POST", userinfoUrl(), { change: { ath } }) },
    ),
  };
  for (const [name, { status, headers, text }] of Object.entries(refused)) {
    assert.ok(status === 401 || status === 400, `${name}: ${status}`);
    assert.match(headers.get("www-authenticate") ?? "", /DPoP|Bearer/, name);
    assert.doesNotMatch(text, /u-demo/, name);
  }
  const once = await proof();
  assert.equal((await use(access, once)).status, 200);
  assert.equal((await use(access, once)).status, 401);
});

test("[44] a token that is not bound is no DPoP token", async () => {
  const { json } = await redeemWith(undefined);
  const access = String(json["access_token"]);
  assert.equal(json["token_type"], "Bearer");
  const answer = await use(access, await prove("GET", userinfoUrl(), { change: { ath: hash(access) } }));
  assert.equal(answer.status, 401);
  assert.equal((await use(access, undefined, "Bearer")).status, 200);
});

test("[44] a code asked for with one key is not redeemed with another", async () => {
  const thumbprint = await calculateJwkThumbprint(own.jwk);
  const code = async () => codeOf(await visitor.get(authorizeUrl("app", { dpop_jkt: thumbprint })));
  const redeem = async (dpop: Readonly<Record<string, string>>) =>
    post(tokenUrl(), grantOf(await code()), { ...basic("app"), ...dpop });
  assert.equal((await redeem({ dpop: await prove("POST", tokenUrl(), { holder: stranger }) })).status, 400);
  assert.equal((await redeem({})).status, 400);
  assert.equal((await redeem({ dpop: await prove("POST", tokenUrl()) })).status, 200);
});
