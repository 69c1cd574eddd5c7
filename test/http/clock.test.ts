import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { totpCode } from "../support/factors.ts";
import { type FaultyIdp, SECRET, type Steps, startFaultyIdp, stepsAt, type Trip, trip } from "../support/faulty-idp.ts";
import { createManualWorld } from "../support/manual-clock.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const world = createManualWorld();
const { clock } = world;
let idp: FaultyIdp;
let steps: Steps;
before(async () => {
  idp = await startFaultyIdp({ world });
  steps = stepsAt(idp, () => clock.now());
});
after(() => idp.stop());

/** The clock shows another time for a while, long enough for what has expired to be swept away. */
async function elsewhere(milliseconds: number): Promise<void> {
  clock.jump(milliseconds);
  await idp.store.sweep();
  clock.jump(-milliseconds);
}

async function tryCode(one: Trip, code: string): Promise<{ readonly isIn: boolean; readonly page: string }> {
  const page = await steps.land(one, await steps.prove(one, await steps.password(one, "/account"), "totp", code));
  return { isIn: /Hello, <bdi>/.test(page.body), page: page.body };
}

test("no code of an authenticator app is good twice, however the clock jumps", async () => {
  const user = "enrolled-jumps";
  const code = steps.code();
  assert.equal((await tryCode(trip(user), code)).isIn, true);
  for (const jump of [HOUR, -2 * MINUTE]) {
    await elsewhere(jump);
    const again = await tryCode(trip(user), code);
    assert.equal(again.isIn, false);
    assert.match(again.page, /already used/);
  }
  clock.jump(-2 * MINUTE);
  const earlier = steps.code();
  assert.equal((await tryCode(trip(user), code)).isIn, false, "a code of the future");
  assert.equal((await tryCode(trip(user), earlier)).isIn, true);
  clock.jump(2 * MINUTE);
  assert.equal((await tryCode(trip(user), code)).isIn, false);
  clock.jump(-2 * MINUTE);
  assert.equal((await tryCode(trip(user), earlier)).isIn, false);
  clock.jump(2 * MINUTE);
});

test("a session that began while the clock was an hour ahead ends an hour late at most, and none lives for ever", async () => {
  const one = trip("early");
  clock.jump(HOUR);
  await steps.password(one, "/account");
  assert.equal(await steps.isIn(one), true);
  clock.jump(-HOUR);
  assert.equal(await steps.isIn(one), true);
  clock.advance(13 * HOUR + MINUTE);
  assert.equal(await steps.isIn(one), false);
});

test("a session is over while the clock is ahead of its end", async () => {
  const one = trip("late");
  await steps.password(one, "/account");
  clock.jump(8 * 24 * HOUR);
  assert.equal(await steps.isIn(one), false);
  clock.jump(-8 * 24 * HOUR);
});

test("codes and refresh tokens that were used stay used, and what has expired is refused", async () => {
  const one = trip("tokens");
  const { oidc } = steps;
  const url = oidc.authorizeUrl("app", { scope: "openid offline_access", prompt: "consent" });
  const consent = await steps.passOn(one, await steps.password(one, url));
  const code = await steps.grant(
    one,
    await steps.next(one, consent, { decision: "allow", "scope.offline_access": "on" }),
  );
  clock.jump(HOUR);
  assert.equal((await oidc.redeem(code)).status, 400, "an expired code");
  clock.jump(-HOUR);
  const redeemed = await oidc.redeem(code);
  assert.equal(redeemed.status, 200);
  const first = (await redeemed.json()) as { access_token: string; refresh_token: string };
  const { access_token: access, refresh_token: used } = first;
  const refresh = (token: string) => oidc.token({ grant_type: "refresh_token", refresh_token: token });
  assert.equal((await steps.userinfo(one.witness, access)).status, 200);
  clock.jump(2 * HOUR);
  assert.equal((await steps.userinfo(one.witness, access)).status, 401);
  clock.jump(-2 * HOUR);
  assert.equal((await refresh(used)).status, 200);
  await elsewhere(HOUR);
  await elsewhere(-HOUR);
  assert.equal((await refresh(used)).status, 400);
  assert.equal((await oidc.redeem(code)).status, 400);
});

test("who is locked out while the clock is an hour ahead is not for that hour longer", async () => {
  const user = "enrolled-locked";
  const wrong = "000000";
  assert.notEqual(totpCode(SECRET, 0, clock.now()), wrong);
  clock.jump(HOUR);
  const one = trip(user);
  const attempt = async (code: string) => steps.prove(one, await steps.password(one, "/account"), "totp", code);
  let answer = await attempt(wrong);
  for (let tries = 0; tries < 30 && answer.headers.get("retry-after") === null; tries += 1)
    answer = await attempt(wrong);
  assert.ok(Number(answer.headers.get("retry-after")) > 0, "locked out");
  clock.jump(-HOUR);
  answer = await attempt(wrong);
  const wait = Number(answer.headers.get("retry-after"));
  // Two windows: after so many wrong codes the next one is twice as long.
  assert.ok(wait > 0 && wait <= 30 * 60, `${wait} s`);
  clock.advance(wait * 1000);
  assert.equal((await tryCode(trip(user), steps.code())).isIn, true);
});
