import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { SignJWT } from "jose";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, SCRIPT } from "../support/journey.ts";
import { post, send } from "../support/oauth.ts";
import { startTrap, type Trap } from "../support/trap.ts";

const folder = mkdtempSync(join(tmpdir(), "moonlatch-published-"));
let trap: Trap;
let idp: TestIdp;

function start(): Promise<TestIdp> {
  return startIdp({
    script: SCRIPT,
    store: "sqlite",
    folder,
    oidc: `  clients:
    - { client_id: inward, client_name: Points inside, token_endpoint_auth_method: private_key_jwt, jwks_uri: "${trap.origin}/", logo_uri: "${trap.origin}/", redirect_uris: ["${CALLBACK}"] }`,
  });
}
before(async () => {
  trap = await startTrap();
  idp = await start();
});
after(async () => {
  trap.stop();
  await idp.stop();
  rmSync(folder, { recursive: true, force: true });
});

const metadata = async () => (await send(`${idp.issuer}/.well-known/openid-configuration`)).json;
const keys = async () =>
  (await send(`${idp.issuer}/oidc/jwks`)).json["keys"] as readonly Readonly<Record<string, string>>[];

/** Status and body of a document asked for with headers a client of the platform would not let through. */
function asked(path: string, headers: Readonly<Record<string, string>>): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    request({ host: "127.0.0.1", port: idp.port, path, headers }, (res) => {
      let body = "";
      res
        .on("data", (chunk: Buffer) => (body += chunk.toString()))
        .on("end", () => resolve({ status: res.statusCode ?? 0, body }));
    })
      .on("error", reject)
      .end();
  });
}

test("[1] both metadata documents name exactly the issuer and addresses of its origin alone", async () => {
  const document = await metadata();
  assert.equal(document["issuer"], idp.issuer);
  const addresses = Object.entries(document).filter(([name]) => /_(?:endpoint|uri)$/.test(name));
  assert.ok(addresses.length >= 7);
  for (const [name, value] of addresses) assert.ok(String(value).startsWith(`${idp.issuer}/`), name);
  assert.deepEqual((await send(`${idp.issuer}/.well-known/oauth-authorization-server`)).json, document);
});

for (const path of ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]) {
  test(`[1] no header of the request changes ${path}`, async () => {
    const { host } = new URL(idp.issuer);
    const plain = (await asked(path, { host })).body;
    const hostile = [
      { host: "evil.example" },
      { host: `${host}.evil.example` },
      { host: `evil.example:${idp.port}` },
      { host: `localhost:${idp.port + 1}` },
      { host: `127.0.0.1:${idp.port}` },
      { host, "x-forwarded-host": "evil.example" },
      { host, "x-forwarded-proto": "https" },
      { host, forwarded: "host=evil.example;proto=https" },
      { host, "x-original-host": "evil.example", "x-forwarded-server": "evil.example" },
      { host, "x-forwarded-prefix": "/evil", "x-original-url": "/evil" },
    ];
    for (const headers of hostile) {
      const { status, body } = await asked(path, headers);
      assert.equal(status, headers.host === host ? 200 : 421, JSON.stringify(headers));
      if (status === 200) assert.equal(body, plain);
      else assert.doesNotMatch(body, /evil/);
    }
  });
}

test("[3] neither metadata nor keys offer the algorithm none or a shared secret", async () => {
  const document = await metadata();
  const offered = Object.entries(document).filter(([name]) => name.endsWith("alg_values_supported"));
  assert.ok(offered.length >= 2);
  for (const [name, values] of offered)
    for (const value of values as string[]) assert.doesNotMatch(value, /^(?:none|HS\d+|RSA1_5)$/, name);
  for (const { alg } of await keys()) assert.doesNotMatch(alg ?? "none", /none|HS/);
});

test("[4] [6] only codes with S256, no password, no implicit grant and no client credentials are offered", async () => {
  const document = await metadata();
  assert.deepEqual(document["response_types_supported"], ["code"]);
  assert.deepEqual(document["code_challenge_methods_supported"], ["S256"]);
  for (const grant of ["password", "implicit", "client_credentials"])
    assert.ok(!(document["grant_types_supported"] as string[]).includes(grant), grant);
  assert.equal(document["authorization_response_iss_parameter_supported"], true);
  assert.notEqual(document["request_uri_parameter_supported"], true);
});

test("[48] nobody registers an application over the network", async () => {
  assert.equal("registration_endpoint" in (await metadata()), false);
  const wish = JSON.stringify({
    redirect_uris: ["https://evil.example/callback"],
    logo_uri: `${trap.origin}/`,
    jwks_uri: `${trap.origin}/`,
  });
  for (const path of ["/oidc/register", "/oidc/register/inward", "/oidc/reg", "/register", "/connect/register"]) {
    for (const method of ["POST", "GET", "PUT", "DELETE"]) {
      const body = method === "GET" ? null : wish;
      const { status } = await send(`${idp.issuer}${path}`, {
        method,
        body,
        headers: { "content-type": "application/json" },
      });
      assert.ok(status === 404 || status === 405, `${method} ${path}: ${status}`);
    }
  }
});

test("[48] an application's keys and logo at an address inside the network are not fetched", async () => {
  const jwt = await new SignJWT({})
    .setProtectedHeader({ alg: "HS256" })
    .setIssuer("inward")
    .setSubject("inward")
    .setAudience(idp.issuer)
    .setJti("1")
    .setExpirationTime("1m")
    .sign(new TextEncoder().encode("x".repeat(32)));
  const [, payload = "", signature = ""] = jwt.split(".");
  const header = Buffer.from(JSON.stringify({ alg: "RS256", jku: `${trap.origin}/`, x5u: `${trap.origin}/` })).toString(
    "base64url",
  );
  const { status, json } = await post(`${idp.issuer}/oidc/token`, {
    grant_type: "refresh_token",
    refresh_token: "x",
    client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
    client_assertion: `${header}.${payload}.${signature}`,
  });
  assert.ok([400, 401].includes(status), JSON.stringify(json));
  assert.match(String(json["error"]), /^invalid_client/);
  assert.equal(trap.received.length, 0);
  assert.equal((await send(`${trap.origin}/`)).status, 200);
});

test("[2] the published keys hold nothing private, have ids of their own and are the same after a restart", async () => {
  const published = await keys();
  assert.deepEqual(
    published.map(({ alg }) => alg),
    ["RS256", "ES256", "EdDSA"],
  );
  assert.equal(new Set(published.map(({ kid }) => kid)).size, published.length);
  for (const key of published)
    for (const name of ["d", "p", "q", "dp", "dq", "qi", "oth", "k"]) assert.equal(name in key, false);
  await idp.stop();
  idp = await start();
  assert.deepEqual(await keys(), published);
});
