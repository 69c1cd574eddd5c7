import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { CompactSign, exportJWK, generateKeyPair, importPKCS8, SignJWT, UnsecuredJWT } from "jose";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, SCRIPT } from "../support/journey.ts";
import { type Answer, basic, FORM, post, SECRET, send } from "../support/oauth.ts";
import { startTrap, type Trap } from "../support/trap.ts";

type PrivateKey = Awaited<ReturnType<typeof generateKeyPair>>["privateKey"];

/** Serves a key set that anybody may write into a header. */
let trap: Trap;
let idp: TestIdp;
let own: PrivateKey;
let rsa: PrivateKey;
let rsaPublic: string;
before(async () => {
  trap = await startTrap();
  const pair = await generateKeyPair("ES256", { extractable: true });
  own = pair.privateKey;
  const rsaPair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  rsa = await importPKCS8(rsaPair.privateKey.export({ type: "pkcs8", format: "pem" }).toString(), "RS256");
  rsaPublic = rsaPair.publicKey.export({ type: "spki", format: "pem" }).toString();
  const keys = [
    { ...(await exportJWK(pair.publicKey)), kid: "k1", use: "sig", alg: "ES256" },
    { ...rsaPair.publicKey.export({ format: "jwk" }), kid: "k2", use: "sig", alg: "RS256" },
  ];
  const common = `redirect_uris: ["${CALLBACK}"], grant_types: [authorization_code, refresh_token]`;
  idp = await startIdp({
    script: SCRIPT,
    oidc: `  clients:
    - { client_id: app, client_secret: ${SECRET}, ${common} }
    - { client_id: post, client_secret: ${SECRET}, token_endpoint_auth_method: client_secret_post, ${common} }
    - { client_id: public, token_endpoint_auth_method: none, ${common} }
    - { client_id: keys, token_endpoint_auth_method: private_key_jwt, jwks: { keys: ${JSON.stringify(keys)} }, ${common} }`,
  });
});
after(async () => {
  trap.stop();
  await idp.stop();
});

/** A refresh token that does not exist: `invalid_grant` says that the application was believed. */
const GRANT = { grant_type: "refresh_token", refresh_token: "x" };
const ENDPOINTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  token: GRANT,
  introspect: { token: "x" },
  revoke: { token: "x" },
};

const authorization = (value: string) => ({ authorization: value });
const encoded = (value: string) => authorization(`Basic ${Buffer.from(value).toString("base64")}`);

type Case = readonly [Readonly<Record<string, string>>, Readonly<Record<string, string>>, 400 | 401];

/** Fields, headers, status. */
const REFUSED: Readonly<Record<string, Case>> = {
  "a wrong secret": [{}, basic("app", "wrong"), 401],
  "a secret that is the right one's beginning": [{}, basic("app", SECRET.slice(0, -1)), 401],
  "a secret that goes on after the right one": [{}, basic("app", `${SECRET}x`), 401],
  "a secret of another case": [{}, basic("app", SECRET.toUpperCase()), 401],
  "an unknown application": [{}, basic("stranger", SECRET), 401],
  "an application called __proto__": [{}, basic("__proto__", SECRET), 401],
  "no application": [{}, {}, 400],
  "an application without its secret": [{ client_id: "app" }, {}, 401],
  "a wrong secret in the form": [{ client_id: "post", client_secret: "wrong" }, {}, 401],
  "a secret of one that has none": [{}, basic("public", "x"), 401],
  "a secret for one that has keys": [{}, basic("keys"), 401],
  "a header and a form at once": [{ client_id: "app", client_secret: SECRET }, basic("app"), 400],
  "a header of one application and the name of another": [{ client_id: "post" }, basic("app"), 400],
  "a header that is not base64": [{}, authorization("Basic %%%"), 400],
  "a header without a colon": [{}, encoded("app"), 400],
  "a header without a secret": [{}, encoded("app:"), 400],
  "a header with a broken percent sequence": [{}, encoded("app:%zz"), 400],
  "a header with a control character": [{}, encoded("app:\u0000"), 400],
  "a header with nothing in it": [{}, authorization("Basic "), 400],
  "another scheme": [{}, authorization(`Bearer ${SECRET}`), 400],
};

for (const [name, [fields, headers, status]] of Object.entries(REFUSED)) {
  test(`[32] ${name} is refused with ${status} wherever an application has to say who it is`, async () => {
    for (const [path, form] of Object.entries(ENDPOINTS)) {
      const answer = await post(`${idp.issuer}/oidc/${path}`, { ...form, ...fields }, headers);
      assert.equal(answer.status, status, `${path} ${answer.text}`);
      assert.equal(answer.json["error"], status === 401 ? "invalid_client" : "invalid_request");
      if (status === 401 && "authorization" in headers)
        assert.match(answer.headers.get("www-authenticate") ?? "", /^Basic realm=/);
      assert.doesNotMatch(answer.text, new RegExp(SECRET));
    }
  });
}

test("[32] an unknown application and a wrong secret get one answer, word for word", async () => {
  const ask = (headers: Readonly<Record<string, string>>) => post(`${idp.issuer}/oidc/token`, GRANT, headers);
  const wrong = await ask(basic("app", "wrong"));
  const unknown = await ask(basic("stranger", "wrong"));
  assert.equal(unknown.text, wrong.text);
  assert.equal(unknown.headers.get("www-authenticate"), wrong.headers.get("www-authenticate"));
  const named = (id: string) => post(`${idp.issuer}/oidc/token`, { ...GRANT, client_id: id });
  assert.equal((await named("stranger")).text, (await named("app")).text);
});

test("[32] the right secret in the right place is believed", async () => {
  for (const answer of [
    await post(`${idp.issuer}/oidc/token`, GRANT, basic("app")),
    await post(`${idp.issuer}/oidc/token`, { ...GRANT, client_id: "post", client_secret: SECRET }),
    await post(`${idp.issuer}/oidc/token`, { ...GRANT, client_id: "public" }),
  ])
    assert.equal(answer.json["error"], "invalid_grant", answer.text);
});

const claims = () => ({
  iss: "keys",
  sub: "keys",
  aud: idp.issuer,
  jti: randomUUID(),
  exp: Math.floor(Date.now() / 1000) + 60,
});

interface Assertion {
  readonly header?: Readonly<Record<string, unknown>>;
  readonly change?: Readonly<Record<string, unknown>>;
  readonly key?: PrivateKey | Uint8Array;
}

function sign({ header = {}, change = {}, key = own }: Assertion = {}): Promise<string> {
  return new SignJWT({ ...claims(), ...change }).setProtectedHeader({ alg: "ES256", kid: "k1", ...header }).sign(key);
}

function present(jwt: string, fields: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return post(`${idp.issuer}/oidc/token`, {
    ...GRANT,
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: jwt,
    ...fields,
  });
}

async function stranger(): Promise<{ privateKey: PrivateKey; jwk: object }> {
  const { privateKey, publicKey } = await generateKeyPair("ES256", { extractable: true });
  return { privateKey, jwk: await exportJWK(publicKey) };
}

const confused = (key: string, alg: string): Promise<string> =>
  new CompactSign(new TextEncoder().encode(JSON.stringify(claims())))
    .setProtectedHeader({ alg, kid: "k2" })
    .sign(new TextEncoder().encode(key));

const ASSERTIONS: Readonly<Record<string, () => Promise<string>>> = {
  "[3] [33] without a signature": async () => new UnsecuredJWT(claims()).encode(),
  "[3] [33] whose algorithm was changed to none": async () => {
    const [, payload = "", signature = ""] = (await sign()).split(".");
    return `${Buffer.from('{"alg":"none"}').toString("base64url")}.${payload}.${signature}`;
  },
  "[33] whose signature was cut off": async () => (await sign()).replace(/[^.]+$/, ""),
  "[33] of a stranger's key": async () => sign({ key: (await stranger()).privateKey }),
  "[33] of a stranger's key under another id": async () =>
    sign({ key: (await stranger()).privateKey, header: { kid: "k9" } }),
  "[33] that brings its own key": async () => {
    const { privateKey, jwk } = await stranger();
    return sign({ key: privateKey, header: { jwk } });
  },
  "[33] that names where its key is": async () =>
    sign({ key: (await stranger()).privateKey, header: { jku: `${trap.origin}/jwks`, x5u: `${trap.origin}/jwks` } }),
  "[33] with an HMAC over the public RSA key": () => confused(rsaPublic, "HS256"),
  "[33] with an HMAC over the trimmed public RSA key": () => confused(rsaPublic.trim(), "HS256"),
  "[33] with an HMAC over a secret": () => confused(SECRET.padEnd(32, "x"), "HS256"),
  "[33] with a critical header nobody knows": () => sign({ header: { crit: ["x"], x: 1 } }).catch(() => "x.y.z"),
  "[33] for another recipient": () => sign({ change: { aud: "https://evil.example" } }),
  "[33] for a recipient that begins like us": () => sign({ change: { aud: `${idp.issuer}.evil.example` } }),
  "[33] for nobody": () => sign({ change: { aud: undefined } }),
  "[33] that is over": () => sign({ change: { exp: Math.floor(Date.now() / 1000) - 60 } }),
  "[33] that is not valid yet": () => sign({ change: { nbf: Math.floor(Date.now() / 1000) + 600 } }),
  "[33] that never ends": () => sign({ change: { exp: undefined } }),
  "[33] without a jti": () => sign({ change: { jti: undefined } }),
  "[33] of another issuer": () => sign({ change: { iss: "app" } }),
  "[33] about another application": () => sign({ change: { sub: "app" } }),
  "[33] about nobody": () => sign({ change: { sub: undefined } }),
  "[33] that is garbage": async () => "garbage",
  "[33] that is JSON": async () => JSON.stringify(claims()),
};

for (const [name, make] of Object.entries(ASSERTIONS)) {
  test(`${name}, a client assertion is refused`, async () => {
    const { status, json, text } = await present(await make());
    assert.ok(status === 401 || status === 400, text);
    assert.equal(json["error"], status === 401 ? "invalid_client" : "invalid_request");
  });
}

test("[33] a client assertion is good once, and nothing it names was ever fetched", async () => {
  for (const jwt of [await sign(), await sign({ key: rsa, header: { alg: "RS256", kid: "k2" } })]) {
    const first = await present(jwt);
    assert.equal(first.json["error"], "invalid_grant", first.text);
    const second = await present(jwt);
    assert.deepEqual([second.status, second.json["error"]], [401, "invalid_client"]);
  }
  const parallel = await sign();
  const answers = await Promise.all(Array.from({ length: 8 }, () => present(parallel)));
  assert.equal(answers.filter(({ json }) => json["error"] === "invalid_grant").length, 1);
  for (const { status } of answers) assert.ok(status === 400 || status === 401);
  assert.equal(trap.received.length, 0);
});

test("[33] an assertion of another kind, or beside a secret, is refused", async () => {
  for (const answer of [
    await present(await sign(), { client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:saml2-bearer" }),
    await present(await sign(), { client_assertion_type: "" }),
    await present(await sign(), { client_secret: SECRET }),
    await present(await sign(), { client_id: "app" }),
  ])
    assert.deepEqual([answer.status, answer.json["error"]], [400, "invalid_request"]);
});

test("[34] the token endpoint takes a form in a POST and nothing else", async () => {
  const url = `${idp.issuer}/oidc/token`;
  const raw = (type: string, body: string) =>
    send(url, { method: "POST", headers: { ...basic("app"), "content-type": type }, body });
  for (const answer of [
    await raw("application/json", JSON.stringify(GRANT)),
    await raw(
      "multipart/form-data; boundary=x",
      '--x\r\ncontent-disposition: form-data; name="grant_type"\r\n\r\nrefresh_token\r\n--x--',
    ),
    await raw("text/plain", "grant_type=refresh_token&refresh_token=x"),
    await raw("text/xml", "<grant_type>refresh_token</grant_type>"),
    await raw("", ""),
    await raw(FORM, ""),
    await raw(FORM, "grant_type"),
    await raw(FORM, "grant_type=refresh_token&grant_type=refresh_token"),
    await raw(FORM, "grant_type[]=refresh_token"),
  ]) {
    assert.ok(answer.status >= 400 && answer.status < 500, String(answer.status));
    assert.notEqual(answer.json["error"], "invalid_grant", answer.text);
    assert.equal(answer.headers.get("cache-control"), "no-store");
  }
  const got = await send(`${url}?grant_type=refresh_token&refresh_token=x`, { headers: basic("app") });
  assert.ok([404, 405].includes(got.status));
  const query = await send(`${url}?grant_type=refresh_token&refresh_token=x`, {
    method: "POST",
    headers: { ...basic("app"), "content-type": FORM },
    body: "",
  });
  assert.equal(query.json["error"], "invalid_request");
});
