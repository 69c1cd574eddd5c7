import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";

const TOKEN = "a-token-of-the-test-metrics";

let idp: TestIdp;
const { loginPage, signIn, submit } = journeyOf(() => idp.issuer);
before(async () => {
  idp = await startIdp({
    script: SCRIPT,
    oidc: OIDC,
    more: `login: { throttle: { surge: 3/15m } }\nobservability: { metrics: { token: ${TOKEN} } }`,
  });
});
after(() => idp.stop());

async function metrics(): Promise<string> {
  const answer = await fetch(`${idp.issuer}/metrics`, { headers: { authorization: `Bearer ${TOKEN}` } });
  assert.equal(answer.status, 200);
  return answer.text();
}

test("sign-ins, failures, answers and backend calls are counted, without anybody's name", async () => {
  await signIn(createVisitor());
  const visitor = createVisitor();
  await submit(visitor, await loginPage(visitor), "somebody-secret", "wrong");
  const text = await metrics();
  assert.match(text, /moonlatch_audit_events_total\{event="sign_in"\} 1/);
  assert.match(text, /moonlatch_audit_events_total\{event="sign_in_refused"\} 1/);
  assert.match(text, /moonlatch_http_request_seconds_count\{route="login",method="POST",status="200"\} 1/);
  assert.match(
    text,
    /moonlatch_backend_call_seconds_count\{backend="any",function="verify_password",outcome="accepted"\} 1/,
  );
  assert.match(text, /moonlatch_backend_call_seconds_count\{backend="default",function="lookup",outcome="found"\}/);
  assert.match(
    text,
    /moonlatch_lua_call_seconds_count\{backend="default",function="nauthilus_backend_verify_password"\}/,
  );
  assert.match(text, /moonlatch_lua_calls_in_flight\{backend="default"\} 0/);
  assert.doesNotMatch(text, /somebody-secret|demo|127\.0\.0\.1/);
});

test("addresses that are not there make one series, whatever they are", async () => {
  for (const path of ["/x1", "/x2", "/wp-admin", "/%2e%2e"]) await fetch(idp.issuer + path);
  await fetch(`${idp.issuer}/account`, { method: "PROPFIND" });
  const text = await metrics();
  const series = new Set(
    [...text.matchAll(/moonlatch_http_request_seconds_count\{route="([^"]+)"/g)].map(([, route]) => route),
  );
  assert.ok(series.has("other") && series.size < 8, [...series].join(" "));
  assert.match(text, /method="other"/);
});

test("failures at many accounts begin a surge, which a number and the audit trail tell", async () => {
  assert.match(await metrics(), /^moonlatch_throttle_surge 0$/m);
  for (const name of ["first", "second", "third"]) {
    const visitor = createVisitor();
    await submit(visitor, await loginPage(visitor), name, "wrong");
  }
  const text = await metrics();
  assert.match(text, /^moonlatch_throttle_surge 1$/m);
  assert.match(text, /moonlatch_audit_events_total\{event="surge_began"\} 1/);
  assert.ok(idp.log.some((line) => line.includes("Failed sign-ins are spread over many accounts")));
});

test("without the token nobody reads the numbers, and nothing is told about it", async () => {
  for (const authorization of ["", "Bearer wrong", `Basic ${TOKEN}`, `Bearer ${TOKEN}x`]) {
    const answer = await fetch(`${idp.issuer}/metrics`, { headers: { authorization } });
    assert.equal(answer.status, 401);
    assert.doesNotMatch(await answer.text(), /moonlatch_/);
  }
});
