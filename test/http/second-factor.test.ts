import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createVisitor, follow, type Visit, type Visitor } from "../support/browser.ts";
import { codesOn, FACTOR_SCRIPT, reply, secretOn, totpCode } from "../support/factors.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf } from "../support/journey.ts";
import { createManualWorld } from "../support/manual-clock.ts";

const SECRET = "client_secret: a-secret-of-the-test-application";
const client = (id: string, more: string) =>
  `    - { client_id: ${id}, client_name: Application ${id}, ${SECRET}, redirect_uris: ["${CALLBACK}"], skip_consent: true${more} }`;
const OIDC = `  clients:
${client("app", "")}
${client("strict", ", require_mfa: 2")}`;

const world = createManualWorld();
let idp: TestIdp;
const { authorizeUrl, codeOf, loginPage, redeem, submit } = journeyOf(() => idp.issuer);
before(async () => {
  idp = await startIdp({
    script: FACTOR_SCRIPT,
    oidc: OIDC,
    world,
    more: "mfa: { trusted_devices: { lifetime: 30d }, throttle: { pair: 10/15m } }",
  });
});
after(() => idp.stop());

const code = (secret: string, steps = 0): string => totpCode(secret, steps, world.clock.now());

/** Signs in with the password; the page that follows. */
async function password(visitor: Visitor, username: string, app = "app"): Promise<Visit> {
  const answer = await submit(visitor, await loginPage(visitor, app), username, "right");
  return follow(visitor, answer, idp.issuer);
}

async function next(visitor: Visitor, page: Visit, fields: Readonly<Record<string, string>>): Promise<Visit> {
  return follow(visitor, await reply(visitor, page, fields), idp.issuer);
}

/** Follows the hand-off to the application, and what its ID token says. */
async function claimsAt(visitor: Visitor, page: Visit, app: string): Promise<Record<string, unknown>> {
  assert.ok(page.handoff !== undefined, page.body);
  const end = await follow(visitor, await visitor.get(new URL(page.handoff, idp.issuer).href), idp.issuer);
  const tokens = (await (await redeem(codeOf(end), app)).json()) as { id_token: string };
  return JSON.parse(Buffer.from(tokens.id_token.split(".")[1] ?? "", "base64url").toString()) as Record<
    string,
    unknown
  >;
}

/** A person with an authenticator app and recovery codes, set up because an application demanded it. */
async function enrolled(username: string): Promise<{ secret: string; codes: readonly string[] }> {
  const visitor = createVisitor();
  const choose = await password(visitor, username, "strict");
  assert.match(choose.body, /Add a second step/);
  const setup = await next(visitor, choose, { method: "totp" });
  const secret = secretOn(setup);
  const shown = await next(visitor, setup, { code: code(secret) });
  const codes = codesOn(shown);
  assert.equal(codes.length, 10, shown.body);
  const done = await reply(visitor, shown, { saved: "on" });
  const claims = await claimsAt(visitor, done, "strict");
  assert.equal(claims["acr"], "urn:moonlatch:level:2");
  assert.deepEqual(claims["amr"], ["pwd", "otp", "mfa"]);
  // The code that confirmed the app is spent.
  world.clock.advance(60_000);
  return { secret, codes };
}

test("an application that demands a second step has people set one up, and resumes", async () => {
  const { secret } = await enrolled("ann");
  assert.match(secret, /^[A-Z2-7]{32}$/);
});

test("who has an authenticator app is asked for its code everywhere, once per code", async () => {
  const { secret } = await enrolled("ben");
  const visitor = createVisitor();
  const page = await password(visitor, "ben");
  assert.match(page.body, /6-digit code/);
  const now = code(secret);
  const other = createVisitor();
  const rival = await password(other, "ben");
  const claims = await claimsAt(
    visitor,
    await reply(visitor, page, { code: ` ${now.slice(0, 3)} ${now.slice(3)} ` }),
    "app",
  );
  assert.deepEqual([claims["acr"], claims["amr"]], ["urn:moonlatch:level:2", ["pwd", "otp", "mfa"]]);
  const refused = await next(other, rival, { code: now });
  assert.match(refused.body, /That code was already used/);
});

test("a recovery code gets in once, however it is typed, and says how many are left", async () => {
  const { codes } = await enrolled("cat");
  const visitor = createVisitor();
  const chooser = await next(visitor, await password(visitor, "cat"), { decision: "other" });
  assert.match(chooser.body, /value="recovery"/);
  const page = await next(visitor, chooser, { method: "recovery" });
  const typed = (codes[3] ?? "").toUpperCase().replaceAll("-", " ").replaceAll("0", "O").replaceAll("1", "l");
  const claims = await claimsAt(visitor, await reply(visitor, page, { code: typed }), "app");
  assert.deepEqual(claims["amr"], ["pwd", "otp", "mfa"]);
  const again = createVisitor();
  const second = await next(again, await next(again, await password(again, "cat"), { decision: "other" }), {
    method: "recovery",
  });
  assert.match((await next(again, second, { code: codes[3] ?? "" })).body, /not right, or it was already used/);
  assert.ok(
    idp.log.some((line) => line.includes("spy add_totp_recovery_codes user=cat cid=app") && line.includes("count=9")),
  );
});

test("a password alone grants nothing: no code, no silent session, no resume", async () => {
  await enrolled("dan");
  const visitor = createVisitor();
  const page = await password(visitor, "dan");
  assert.match(page.body, /6-digit code/);
  const silent = await follow(visitor, await visitor.get(authorizeUrl("app", { prompt: "none" })), idp.issuer);
  assert.equal(new URL(silent.location ?? "").searchParams.get("error"), "login_required");
  const resumed = await visitor.get(page.url.replace("/login/oidc/", "/oidc/authorize/"));
  const end = await follow(visitor, resumed, idp.issuer);
  assert.doesNotMatch(end.location ?? "", /code=/);
});

test("a factor that cannot be read is a temporary failure, never no factor", async () => {
  for (const username of ["brokenkeys"]) {
    const visitor = createVisitor();
    const answer = await submit(visitor, await loginPage(visitor, "app"), username, "right");
    assert.equal(answer.status, 503, username);
    assert.equal(answer.handoff, undefined);
    assert.match(answer.body, /can’t check your sign-in right now/);
  }
});

test("a write that cannot be read back is undone and said so", async () => {
  const visitor = createVisitor();
  const setup = await next(visitor, await password(visitor, "forgetful", "strict"), { method: "totp" });
  const answer = await reply(visitor, setup, { code: code(secretOn(setup)) });
  assert.equal(answer.status, 503);
  assert.match(answer.body, /Nothing was changed/);
  assert.ok(idp.log.some((line) => line.includes("spy delete_totp user=forgetful cid=strict")));
});

test("malformed codes are refused with one wording, and guessing ends in a wait that leaves the password alone", async () => {
  const { secret } = await enrolled("eve");
  const visitor = createVisitor();
  let page = await password(visitor, "eve");
  const wide = Array.from(code(secret))
    .map((digit) => String.fromCharCode(0xff10 + Number(digit)))
    .join("");
  for (const wrong of ["", "1e5", "12345", "1234567", wide, "000000;--", "½½½½½½", "abcdef"]) {
    page = await next(visitor, page, { code: wrong });
    assert.match(page.body, /That code is not right, or it has expired/, wrong);
  }
  const twice = await fetch(page.url, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", origin: idp.issuer },
    body: "code=1&code=2&csrf=x",
  });
  assert.equal(twice.status >= 400 && twice.status < 500, true);
  for (let tries = 0; tries < 3; tries += 1) page = await next(visitor, page, { code: "000000" });
  assert.equal(page.status, 429);
  assert.match(page.body, /Too many codes tried/);
  assert.match((await password(createVisitor(), "eve")).body, /6-digit code/);
  world.clock.advance(16 * 60_000);
});

test("a stranger who uses up the tries does not keep the owner out of a browser they used before", async () => {
  const { secret } = await enrolled("fay");
  const owner = createVisitor();
  await claimsAt(owner, await reply(owner, await password(owner, "fay"), { code: code(secret) }), "app");
  const stranger = createVisitor();
  let page = await password(stranger, "fay");
  for (let tries = 0; tries < 12; tries += 1) page = await next(stranger, page, { code: "000000" });
  assert.equal(page.status, 429);
  world.clock.advance(60_000);
  const again = await loginPage(owner, "app", { prompt: "login" });
  const factor = await follow(owner, await submit(owner, again, "fay", "right"), idp.issuer);
  const claims = await claimsAt(owner, await reply(owner, factor, { code: code(secret) }), "app");
  assert.equal(claims["acr"], "urn:moonlatch:level:2");
  world.clock.advance(16 * 60_000);
});

test("browsers that were made known by a stolen password alone give its thief no more tries at the code", async () => {
  const browsers = [createVisitor(), createVisitor(), createVisitor()];
  for (const thief of browsers) await claimsAt(thief, await password(thief, "ivy"), "app");
  await enrolled("ivy");
  let judged = 0;
  for (const thief of browsers) {
    for (let session = 0; session < 4; session += 1) {
      const again = await loginPage(thief, "app", { prompt: "login" });
      let page = await follow(thief, await submit(thief, again, "ivy", "right"), idp.issuer);
      for (let tries = 0; tries < 4; tries += 1) {
        page = await next(thief, page, { code: "000000" });
        judged += Number(page.body.includes("That code is not right"));
      }
    }
  }
  assert.equal(judged, 10);
  world.clock.advance(16 * 60_000);
});

test("a stranger who guesses the password does not keep the owner out of a browser they used before, either", async () => {
  const owner = createVisitor();
  await claimsAt(owner, await submit(owner, await loginPage(owner, "app"), "hal", "right"), "app");
  const stranger = createVisitor();
  for (let tries = 0; tries < 11; tries += 1) await submit(stranger, await loginPage(stranger, "app"), "hal", "wrong");
  assert.equal((await submit(stranger, await loginPage(stranger, "app"), "hal", "right")).status, 429);
  const again = await loginPage(owner, "app", { prompt: "login" });
  const claims = await claimsAt(owner, await submit(owner, again, "hal", "right"), "app");
  assert.equal(claims["sub"], "u-hal");
  world.clock.advance(16 * 60_000);
});

test("a trusted device skips the operator's second step, says so truthfully, and never an application's own demand", async () => {
  const { secret } = await enrolled("gil");
  const visitor = createVisitor();
  await claimsAt(
    visitor,
    await reply(visitor, await password(visitor, "gil"), { code: code(secret), trust: "on" }),
    "app",
  );
  world.clock.advance(60_000);
  const again = async (app: string, more: Readonly<Record<string, string>>) =>
    follow(
      visitor,
      await submit(visitor, await loginPage(visitor, app, { prompt: "login", ...more }), "gil", "right"),
      idp.issuer,
    );
  const claims = await claimsAt(visitor, await again("strict", {}), "strict");
  assert.deepEqual([claims["acr"], claims["amr"]], ["urn:moonlatch:level:1", ["pwd"]]);
  const essential = JSON.stringify({ id_token: { acr: { essential: true, value: "urn:moonlatch:level:2" } } });
  assert.match((await again("app", { claims: essential })).body, /6-digit code/);
});
