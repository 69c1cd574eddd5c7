import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { realWorld } from "../../src/app/index.ts";
import { createVisitor, follow, type Visit, type Visitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf, SCRIPT } from "../support/journey.ts";
import { type Answer, basic, claimsOf, post, SECRET, send } from "../support/oauth.ts";

const GRANT = "urn:ietf:params:oauth:grant-type:device_code";
const shift = { ms: 0 };
const real = realWorld();
const world = { ...real, clock: { ...real.clock, now: () => real.clock.now() + shift.ms } };
let idp: TestIdp;
before(async () => {
  idp = await startIdp({
    script: SCRIPT,
    world,
    oidc: `  clients:
    - { client_id: tv, client_name: "<b>TV</b>", token_endpoint_auth_method: none, grant_types: ["${GRANT}", refresh_token], skip_consent: true }
    - { client_id: asking, client_name: Asking, client_secret: ${SECRET}, grant_types: ["${GRANT}"] }
    - { client_id: forbidden, client_name: Forbidden, token_endpoint_auth_method: none, grant_types: ["${GRANT}"], skip_consent: true }
    - { client_id: app, client_secret: ${SECRET}, redirect_uris: ["${CALLBACK}"], skip_consent: true }`,
  });
});
after(() => idp.stop());
/** Each test begins with nobody over a limit. */
beforeEach(() => void (shift.ms += 16 * 60_000));
const { signIn, submit } = journeyOf(() => idp.issuer);

type Fields = Readonly<Record<string, string>>;

const page = (): string => `${idp.issuer}/oidc/device`;
const ask = (fields: Fields = { client_id: "tv", scope: "openid email" }, headers: Fields = {}): Promise<Answer> =>
  post(`${page()}/auth`, fields, headers);

interface Device {
  readonly deviceCode: string;
  readonly userCode: string;
  readonly complete: string;
}

async function createDevice(client = "tv"): Promise<Device> {
  const { status, json, text } = await ask({ client_id: client, scope: "openid email" });
  assert.equal(status, 200, text);
  return {
    deviceCode: String(json["device_code"]),
    userCode: String(json["user_code"]),
    complete: String(json["verification_uri_complete"]),
  };
}

/** The device asks, five seconds after it asked the last time. */
async function poll({ deviceCode }: Device, client = "tv"): Promise<Answer> {
  shift.ms += 5_000;
  return post(`${idp.issuer}/oidc/token`, { grant_type: GRANT, device_code: deviceCode, client_id: client });
}

async function assertPending(device: Device): Promise<void> {
  assert.equal((await poll(device)).json["error"], "authorization_pending");
}

/** Types the code: the page that asks for confirmation, or says what is wrong. */
async function enter(visitor: Visitor, userCode: string): Promise<Visit> {
  const form = await visitor.get(page());
  return visitor.post(page(), { xsrf: form.field("xsrf"), user_code: userCode });
}

const decide = (visitor: Visitor, at: Visit, decision: "confirm" | "abort"): Promise<Visit> =>
  visitor.post(page(), { xsrf: at.field("xsrf"), user_code: at.field("user_code"), [decision]: "yes" });

async function known(): Promise<Visitor> {
  const visitor = createVisitor();
  await signIn(visitor);
  return visitor;
}

test("a device gets tokens once somebody typed its code, signed in and confirmed", async () => {
  const device = await createDevice();
  const visitor = createVisitor();
  const confirm = await enter(visitor, device.userCode.toLowerCase().replace("-", " "));
  const login = await follow(visitor, await decide(visitor, confirm, "confirm"), idp.issuer);
  const answer = await submit(visitor, login, "demo", "right");
  const done = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href), idp.issuer);
  assert.match(done.body, /go back to your device/);
  const { json } = await poll(device);
  assert.equal(claimsOf(json["id_token"])["sub"], "u-demo");
  const info = await send(`${idp.issuer}/oidc/userinfo`, {
    headers: { authorization: `Bearer ${String(json["access_token"])}` },
  });
  assert.equal(info.json["email"], "demo@example.org");
});

test("[45] a device waits, and hears that it asks too often", async () => {
  const device = await createDevice();
  await assertPending(device);
  const soon = await post(`${idp.issuer}/oidc/token`, {
    grant_type: GRANT,
    device_code: device.deviceCode,
    client_id: "tv",
  });
  assert.deepEqual([soon.status, soon.json["error"]], [400, "slow_down"]);
  await assertPending(device);
});

test("[45] a code has eight letters or more, and it and its device are over after ten minutes", async () => {
  const { json } = await ask();
  assert.match(String(json["user_code"]).replaceAll("-", ""), /^[BCDFGHJKLMNPQRSTVWXZ]{8,}$/);
  assert.ok(Number(json["expires_in"]) <= 600);
  const device = await createDevice();
  shift.ms += 616_000;
  assert.match((await enter(await known(), device.userCode)).body, /No request has this code/);
  assert.match(String((await poll(device)).json["error"]), /^(?:expired_token|invalid_grant)$/);
});

test("[45] a link with the code only fills it in: nothing is connected until somebody confirms", async () => {
  const device = await createDevice();
  const visitor = await known();
  const filled = await visitor.get(device.complete);
  assert.equal(filled.status, 200);
  assert.equal(filled.field("user_code"), device.userCode);
  assert.doesNotMatch(filled.body, /<script>|submit\(\)|data-autopost/);
  assert.doesNotMatch(filled.headers.get("content-security-policy") ?? "", /sha256|unsafe/);
  await assertPending(device);
  const confirm = await visitor.post(page(), { xsrf: filled.field("xsrf"), user_code: filled.field("user_code") });
  assert.match(confirm.body, new RegExp(device.userCode));
  assert.match(confirm.body, /&lt;b&gt;TV/);
  assert.match(confirm.body, /Not my device/);
  await assertPending(device);
  assert.match((await decide(visitor, confirm, "confirm")).body, /go back to your device/);
  assert.equal((await poll(device)).status, 200);
});

test("[45] somebody who says it is not their device ends it", async () => {
  const device = await createDevice();
  const visitor = await known();
  const refused = await decide(visitor, await enter(visitor, device.userCode), "abort");
  assert.match(refused.body, /Not connected/);
  assert.deepEqual([(await poll(device)).json["error"]], ["access_denied"]);
  assert.match((await enter(visitor, device.userCode)).body, /No request has this code/);
});

test("[45] no page of another site confirms for the person: the form's token is the session's", async () => {
  const device = await createDevice();
  const visitor = await known();
  const confirm = await enter(visitor, device.userCode);
  const stranger = await createVisitor().get(page());
  for (const xsrf of ["", "x", stranger.field("xsrf")]) {
    const answer = await visitor.post(page(), { xsrf, user_code: confirm.field("user_code"), confirm: "yes" });
    assert.equal(answer.status, 400);
    assert.doesNotMatch(answer.body, /    at /);
  }
  const alone = await createVisitor().post(page(), {
    xsrf: confirm.field("xsrf"),
    user_code: device.userCode,
    confirm: "yes",
  });
  assert.equal(alone.status, 400);
  await assertPending(device);
});

test("[45] guessing codes is stopped after ten with 429 and the time left, right codes are not counted", async () => {
  const visitor = await known();
  const device = await createDevice();
  for (let times = 0; times < 12; times += 1)
    assert.match((await enter(visitor, device.userCode)).body, /Not my device/);
  for (let times = 0; times < 10; times += 1)
    assert.match((await enter(visitor, "BBBB-BBBB")).body, /No request has this code/);
  for (const code of ["CCCC-CCCC", device.userCode]) {
    const stopped = await enter(visitor, code);
    assert.equal(stopped.status, 429);
    assert.ok(Number(stopped.headers.get("retry-after")) > 0);
    assert.doesNotMatch(stopped.body, /Not my device/);
  }
  assert.equal((await enter(createVisitor(), device.userCode)).status, 429);
});

const HOSTILE = [
  "",
  " ",
  "__proto__",
  "constructor",
  "\u0000",
  "BBBB-BBB",
  "B".repeat(5_000),
  "<script>alert(1)</script>",
  "' or 1=1",
  "*".repeat(8),
];

test("[45] codes nobody has are one answer, without a trace of them", async () => {
  for (const code of HOSTILE) {
    shift.ms += 16 * 60_000;
    const answer = await enter(createVisitor(), code);
    assert.ok(answer.status < 500, String(answer.status));
    assert.match(answer.body, /No request has this code/);
    assert.equal(answer.field("user_code"), "");
    assert.doesNotMatch(answer.body, /<script>alert|__proto__/);
  }
  const filled = await createVisitor().get(`${page()}?user_code=${encodeURIComponent('"><script>alert(1)</script>')}`);
  assert.doesNotMatch(filled.body, /<script>alert/);
});

test("[45] a device code is one device's and one application's, and good once", async () => {
  const device = await createDevice();
  const visitor = await known();
  await decide(visitor, await enter(visitor, device.userCode), "confirm");
  assert.equal((await poll(device, "forbidden")).json["error"], "invalid_grant");
  const answers = await Promise.all(Array.from({ length: 6 }, () => poll(device)));
  assert.ok(answers.filter(({ status }) => status === 200).length <= 1);
  for (const { status } of answers) assert.ok(status === 200 || status === 400);
  assert.equal((await poll(device)).json["error"], "invalid_grant");
  for (const guess of ["", "__proto__", "x".repeat(43)])
    assert.ok(
      ["invalid_grant", "invalid_request"].includes(
        String((await poll({ ...device, deviceCode: guess })).json["error"]),
      ),
    );
});

test("[45] an application without the grant, or without its secret, gets no device code", async () => {
  assert.equal((await ask({ client_id: "app", scope: "openid" }, {})).status, 401);
  assert.match(
    String((await ask({ scope: "openid" }, basic("app"))).json["error"]),
    /^(?:unauthorized_client|invalid_request)$/,
  );
  assert.equal((await ask({ client_id: "asking", scope: "openid" })).json["error"], "invalid_client");
  assert.equal((await ask({ client_id: "stranger", scope: "openid" })).json["error"], "invalid_client");
  assert.equal((await ask({ scope: "openid" })).status, 400);
  const grant = await post(`${idp.issuer}/oidc/token`, { grant_type: GRANT, device_code: "x" }, basic("app"));
  assert.match(String(grant.json["error"]), /^(?:unauthorized_client|invalid_request|unsupported_grant_type)$/);
});

test("[45] a person the application is not for connects nothing", async () => {
  const device = await createDevice("forbidden");
  const visitor = await known();
  const at = await follow(visitor, await decide(visitor, await enter(visitor, device.userCode), "confirm"), idp.issuer);
  assert.match(at.body, /You can’t use/);
  const back = await visitor.post(at.url, { csrf: at.field("csrf"), decision: "back" });
  const end = await follow(visitor, await visitor.get(new URL(back.handoff ?? "", idp.issuer).href), idp.issuer);
  assert.match(end.body, /Not connected/);
  assert.equal((await poll(device, "forbidden")).json["error"], "access_denied");
});

test("[45] consent is asked where the application needs it, and Cancel ends it", async () => {
  const { json } = await ask({ scope: "openid email" }, basic("asking"));
  const visitor = await known();
  const at = await follow(
    visitor,
    await decide(visitor, await enter(visitor, String(json["user_code"])), "confirm"),
    idp.issuer,
  );
  assert.match(at.body, /Allow .*Asking/);
  const left = await visitor.post(at.url, { csrf: at.field("csrf"), decision: "deny" });
  const end = await follow(visitor, await visitor.get(new URL(left.handoff ?? "", idp.issuer).href), idp.issuer);
  assert.match(end.body, /Not connected/);
  shift.ms += 5_000;
  const refused = await post(
    `${idp.issuer}/oidc/token`,
    { grant_type: GRANT, device_code: String(json["device_code"]) },
    basic("asking"),
  );
  assert.equal(refused.json["error"], "access_denied");
});
