import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { follow, type Visit } from "../support/browser.ts";
import { codesOn, FACTOR_SCRIPT, reply, secretOn, totpCode } from "../support/factors.ts";
import { createWitness } from "../support/faulty-idp.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC } from "../support/journey.ts";
import { idpCertificate } from "../support/saml/journey.ts";
import { nodeSamlSp } from "../support/saml/service-provider.ts";

const PASSWORD = "canary-password-7Hd2kQ";
const WRONG = "canary-wrong-password-5Lp0";
const AS_NAME = "canary-password-typed-as-name-3Vn6";
const METRICS = "canary-metrics-token-4tRb8w-0123456789";
const NOWHERE = /^$/;

/** A secret, and the paths that may show it: the page that hands it to its owner, the endpoint that issues it. */
interface Canary {
  readonly name: string;
  readonly value: string;
  readonly home: RegExp;
}

let idp: TestIdp;
let folder: string;
const witness = createWitness();
const canaries: Canary[] = [];
const { authorizeUrl, codeOf, redeem, token } = journeyOf(() => idp.issuer);

function keep(name: string, value: string | undefined, home = NOWHERE): string {
  assert.ok(value !== undefined && value.length >= 6, `there is a ${name}`);
  canaries.push({ name, value, home });
  return value;
}

const land = (visit: Visit): Promise<Visit> => follow(witness, visit, idp.issuer);
const open = async (path: string): Promise<Visit> => land(await witness.get(new URL(path, idp.issuer).href));
/** Answers a form, and passes the hand-off page. */
async function next(page: Visit, fields: Readonly<Record<string, string>>): Promise<Visit> {
  const answer = await land(await reply(witness, page, fields));
  return answer.handoff === undefined ? answer : open(answer.handoff);
}
const call = (path: string, init: RequestInit = {}) => witness.api(() => fetch(new URL(path, idp.issuer), init));
const json = ({ body }: { readonly body: string }) => JSON.parse(body) as Record<string, string>;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "moonlatch-canary-"));
  const early = await nodeSamlSp({ issuer: "http://localhost", idpCertificate: "x" });
  writeFileSync(join(folder, "sp.xml"), early.metadata);
  idp = await startIdp({
    // Nobody has that name, and this script keeps what it hears to itself.
    script: FACTOR_SCRIPT.replace('"right"', `"${PASSWORD}"`)
      .replace('"nobody"', `"${AS_NAME}"`)
      .replace("print(", "tostring("),
    folder,
    oidc: OIDC,
    more: `saml: { service_providers: [{ metadata: ./sp.xml }] }
observability: { metrics: { token: ${METRICS} } }`,
  });
  keep("password", PASSWORD);
  keep("wrong password", WRONG);
  keep("password typed as a name", AS_NAME, /^\/login\//);
  keep("client secret", "a-secret-of-the-test-application");
  keep("metrics token", METRICS);
});
after(async () => {
  await idp.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Signs in with mistakes, sets up an authenticator app with mistakes, and saves recovery codes. */
async function enrol(): Promise<readonly string[]> {
  const form = await open("/account/methods/totp");
  const again = await next(form, { username: "demo", password: WRONG });
  const once = await next(again, { username: AS_NAME, password: WRONG });
  const setup = await next(once, { username: "demo", password: PASSWORD });
  const secret = keep("TOTP secret", secretOn(setup), /^\/account\/methods\/totp$/);
  const retry = await next(setup, { code: "000000" });
  const shown = await next(retry, { code: keep("TOTP code", totpCode(secret)) });
  const codes = codesOn(shown).map((code) => keep("recovery code", code, /^\/account\/methods\/codes(?:\.txt)?$/));
  assert.equal(codes.length, 10);
  await open("/account/methods/codes.txt");
  await next(shown, { saved: "on" });
  return codes;
}

/** Signs in anew by a recovery code, with one that is wrong before; the authorization code. */
async function grant(recovery: string): Promise<string> {
  const url = authorizeUrl("app", {
    prompt: "login consent",
    scope: "openid email offline_access",
    acr_values: "urn:moonlatch:level:2",
  });
  const asked = await next(await open(url), { username: "demo", password: PASSWORD });
  const box = await next(await next(asked, { decision: "other" }), { method: "recovery" });
  const again = await next(box, { code: keep("wrong recovery code", "zzzz-zzzz-zzzz-zzzz") });
  const consent = await next(again, { code: recovery });
  const back = await next(consent, { decision: "allow", "scope.offline_access": "on" });
  return keep("authorization code", codeOf(back), /^\/oidc\/authorize/);
}

/** Uses tokens, and misuses each. */
async function useTokens(code: string): Promise<void> {
  const tokens = json(await witness.api(() => redeem(code)));
  const at = /^\/oidc\/token$/;
  const access = keep("access token", tokens["access_token"], at);
  const first = keep("refresh token", tokens["refresh_token"], at);
  const id = keep("ID token", tokens["id_token"], at);
  const refresh = { grant_type: "refresh_token", refresh_token: first };
  const renewed = json(await witness.api(() => token(refresh)));
  keep("access token", renewed["access_token"], at);
  keep("refresh token", renewed["refresh_token"], at);
  await call("/oidc/userinfo", { headers: { authorization: `Bearer ${access}` } });
  await call(`/oidc/userinfo?access_token=${access}`);
  await call("/oidc/userinfo", { headers: { authorization: `Bearer ${id}` } });
  for (const bad of [
    refresh,
    { ...refresh, refresh_token: id },
    { grant_type: "authorization_code", code, code_verifier: first },
  ])
    await witness.api(() => token(bad));
  await call("/oidc/token", {
    method: "POST",
    body: new URLSearchParams({ ...refresh, client_id: "app", client_secret: "x" }),
  });
  await witness.get(authorizeUrl("app", { id_token_hint: `${id}x`, login_hint: access }));
  await witness.get(authorizeUrl("nobody", { state: first }));
  for (const path of [
    `/nowhere/${access}`,
    `/oidc/logout?id_token_hint=${id}x`,
    `/login/oidc/${first}`,
    `/assets/${id}`,
  ])
    await open(path);
  await call("/oidc/token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(refresh),
  });
}

async function signOnAndOut(): Promise<void> {
  const sp = await nodeSamlSp({ issuer: idp.issuer, idpCertificate: await idpCertificate(idp.issuer) });
  const page = await open(await sp.loginUrl());
  const response = keep("SAML response", page.field("SAMLResponse"), /^\/login\/saml\/[^/]+\/response$/);
  await witness.post(`${idp.issuer}/saml/sso`, { SAMLRequest: response });
  await witness.post(`${idp.issuer}/saml/slo`, { SAMLResponse: response });
  const leave = await open("/oidc/logout");
  await witness.post(`${idp.issuer}/oidc/logout/confirm`, { xsrf: leave.field("xsrf"), logout: "yes" });
}

/** Values of cookies, but for flags. What an interaction is called stands in its address; its cookie is worth nothing without the signature beside it. */
function cookies(): readonly Canary[] {
  return witness.answers
    .flatMap(({ headers }) => headers.getSetCookie())
    .map((line) => line.split(/[=;]/, 2))
    .filter(([name = "", value = ""]) => value.length >= 16 && !/_(?:interaction|resume)$/.test(name))
    .map(([name = "", value = ""]) => ({ name: `cookie ${name}`, value, home: NOWHERE }));
}

test("no log line, no metric and no page but the one that hands it over holds a secret", async (t) => {
  const [first = ""] = await enrol();
  await useTokens(await grant(first));
  await signOnAndOut();
  const { body: metrics } = await call("/metrics", { headers: { authorization: `Bearer ${METRICS}` } });
  assert.match(metrics, /moonlatch_audit_events_total/);

  const all = [...canaries, ...cookies()];
  const kinds = new Set(all.map(({ name }) => name));
  assert.ok([...kinds].filter((name) => name.startsWith("cookie")).length >= 4, [...kinds].join());
  const log = idp.log.join("");
  for (const { name, value } of all) assert.ok(!log.includes(value), `the log holds a ${name}`);
  for (const { url, headers, body } of witness.answers) {
    const { pathname } = new URL(url);
    for (const { name, value, home } of all) {
      if (home.test(pathname)) continue;
      assert.ok(!body.includes(value), `${pathname} shows a ${name}`);
      assert.ok(headers.get("location")?.includes(value) !== true, `${pathname} leads on with a ${name}`);
    }
  }
  t.diagnostic(
    `${all.length} secrets of ${kinds.size} kinds, ${witness.answers.length} answers, ${idp.log.length} log lines`,
  );
});
