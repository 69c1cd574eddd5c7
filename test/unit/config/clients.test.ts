import assert from "node:assert/strict";
import { test } from "node:test";
import { configJsonSchema, formatFaults } from "../../../src/config/index.ts";
import { SOUND, temporaryConfig, withClient } from "./temporary-config.ts";

const { write, faults, config } = temporaryConfig();
const SECRET = "client_secret: a-long-enough-secret";
const REDIRECT = 'redirect_uris: ["https://a.example.org/cb"]';

/** Path within the client, and message. */
const texts = (text: string, environment?: Readonly<Record<string, string>>): readonly string[] =>
  faults(text, environment).map(
    ({ path, message }) => `${path.replace("oidc.clients[0]", "").replace(/^\./, "")}: ${message}`,
  );

for (const uri of [
  "https://a.example.org/cb?fixed=1",
  "http://localhost:8081/callback",
  "http://127.0.0.1/callback",
  "http://[::1]:9/callback",
]) {
  test(`${uri} may be a redirect and a sign-out address`, () =>
    assert.deepEqual(
      texts(withClient(`${SECRET}, redirect_uris: ["${uri}"], post_logout_redirect_uris: ["${uri}"]`)),
      [],
    ));
}

for (const [uri, message] of [
  ["https://*.example.org/cb", "wildcards are not supported; addresses are compared exactly"],
  ["https://a.example.org/cb#part", "must not have a fragment (RFC 6749 section 3.1.2)"],
  ["https://a.example.org/cb#", "must not have a fragment (RFC 6749 section 3.1.2)"],
  ["http://a.example.org/cb", "http is only for loopback addresses"],
  ["http://localhost.example.org/cb", "http is only for loopback addresses"],
  ["javascript:alert(1)", "must not use the scheme javascript"],
  ["JavaScript:alert(1)", "must not use the scheme javascript"],
  ["data:text/html,x", "must not use the scheme data"],
  ["org.example.app:/cb", "must be an https address"],
  ["not an address", "must be an absolute address"],
] as const) {
  test(`${uri} is neither a redirect nor a sign-out address`, () => {
    const uris = `redirect_uris: ["${uri}"], post_logout_redirect_uris: ["${uri}"]`;
    assert.deepEqual(texts(withClient(`${SECRET}, ${uris}`)), [
      `redirect_uris[0]: ${message}`,
      `post_logout_redirect_uris[0]: ${message}`,
    ]);
  });
}

test("a native application may have a scheme of its own, but none that runs in the browser", () => {
  const native = (uri: string) =>
    texts(withClient(`application_type: native, token_endpoint_auth_method: none, redirect_uris: ["${uri}"]`));
  assert.deepEqual(native("org.example.app:/cb"), []);
  assert.deepEqual(native("javascript:alert(1)"), ["redirect_uris[0]: must not use the scheme javascript"]);
});

test("a short secret is refused where others could try it", () => {
  assert.deepEqual(texts(withClient(`client_secret: fifteen-letters, ${REDIRECT}`, "https://id.example.org")), [
    "client_secret: must have at least 16 characters; a short secret can be guessed",
  ]);
  assert.deepEqual(texts(withClient(`client_secret: fifteen-letters, ${REDIRECT}`)), []);
});

test("an empty secret is refused everywhere, wherever it comes from", () => {
  write("empty", "\n");
  const refused = ["client_secret: must not be empty"];
  assert.deepEqual(texts(withClient(`client_secret: "", ${REDIRECT}`)), refused);
  assert.deepEqual(texts(withClient(`client_secret: "\${ENV:EMPTY}", ${REDIRECT}`), { EMPTY: "" }), refused);
  assert.deepEqual(texts(withClient(`client_secret_file: empty, ${REDIRECT}`)), refused);
});

test("a secret stands in one place", () => {
  write("secret", "a-long-enough-secret");
  assert.deepEqual(texts(withClient(`${SECRET}, client_secret_file: secret, ${REDIRECT}`)), [
    "client_secret_file: stands beside client_secret; keep one of them",
  ]);
  assert.deepEqual(texts(withClient(`client_secret_file: nowhere, ${REDIRECT}`)), [
    "client_secret_file: the secret file nowhere cannot be read",
  ]);
});

test("no fault tells a secret", () => {
  write("secret", "gAQ7-hidden");
  for (const keys of ["client_secret: gAQ7-hidden", "client_secret_file: secret"]) {
    const text = formatFaults(faults(withClient(`${keys}, ${REDIRECT}, token_endpoint_auth_method: none, x: 1`)));
    assert.match(text, /client_id|unknown key "x"/);
    assert.doesNotMatch(text, /gAQ7-hidden/);
  }
});

test("a client has a secret exactly when its method uses one", () => {
  assert.deepEqual(texts(withClient(REDIRECT)), [": client_secret_basic needs client_secret"]);
  assert.deepEqual(texts(withClient(`${SECRET}, token_endpoint_auth_method: none, ${REDIRECT}`)), [
    "client_secret: a client with none has no secret; remove it",
  ]);
});

test("a client with private_key_jwt has public keys, in one place", () => {
  const keyed = (keys: string) => texts(withClient(`token_endpoint_auth_method: private_key_jwt, ${REDIRECT}${keys}`));
  const jwks = 'jwks: { keys: [{ kty: EC, crv: P-256, x: "a", y: "b" }] }';
  assert.deepEqual(keyed(""), [": private_key_jwt needs jwks or jwks_uri"]);
  assert.deepEqual(keyed(`, ${jwks}`), []);
  assert.deepEqual(keyed(', jwks_uri: "https://a.example.org/jwks"'), []);
  assert.match(keyed(`, ${jwks}, jwks_uri: "https://a.example.org/jwks"`).join(), /keep one of them/);
  assert.match(keyed(`, ${jwks.replace("kty: EC", "kty: EC, d: c")}`).join(), /^jwks: holds a private key/);
});

test("addresses that pages link to are web addresses", () => {
  for (const key of ["client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri", "initiate_login_uri"]) {
    assert.deepEqual(texts(withClient(`${SECRET}, ${REDIRECT}, ${key}: "javascript:alert(1)"`)), [
      `${key}: must be an http or https address`,
    ]);
  }
});

test("a pairwise client redirects to one host", () => {
  const uris = 'redirect_uris: ["https://a.example.org/", "https://b.example.org/"]';
  assert.deepEqual(texts(withClient(`${SECRET}, subject_type: pairwise, ${uris}`)), [
    "redirect_uris: must share one host with subject_type: pairwise",
  ]);
  assert.deepEqual(texts(withClient(`${SECRET}, subject_type: public, ${uris}`)), []);
});

test("two clients with one id are both named", () => {
  const client = `{ client_id: twice, ${SECRET}, ${REDIRECT} }`;
  const [fault, ...more] = faults(`${SOUND}oidc:\n  clients:\n    - ${client}\n    - ${client}\n`);
  assert.deepEqual(
    [fault?.line, fault?.path, fault?.message, more.length],
    [8, "oidc.clients[1].client_id", 'the client_id "twice" is used by oidc.clients[0] already', 0],
  );
});

test("the schema for editors knows client_secret_file, and a misspelling of it is told", () => {
  const schema = configJsonSchema() as {
    properties: { oidc: { properties: { clients: { items: { properties: object } } } } };
  };
  assert.ok("client_secret_file" in schema.properties.oidc.properties.clients.items.properties);
  assert.equal(
    faults(withClient(`client_secret_fil: x, ${REDIRECT}`))[0]?.suggestion,
    'did you mean "client_secret_file"?',
  );
});

test("response_types may be written out, but only the code flow is there", () => {
  assert.deepEqual(
    config(withClient(`${SECRET}, ${REDIRECT}, response_types: [code]`)).oidc.clients[0]?.response_types,
    ["code"],
  );
  assert.equal(
    faults(withClient(`${SECRET}, ${REDIRECT}, response_types: [token]`))[0]?.path,
    "oidc.clients[0].response_types[0]",
  );
});
