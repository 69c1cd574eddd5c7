import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { realWorld } from "../../src/app/index.ts";
import { createVisitor, follow, type Visitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf, OIDC } from "../support/journey.ts";

/** Signing in as "set-…" changes what every later lookup is told; the password itself is then refused. */
const SCRIPT = `
local cache = require("nauthilus_cache")
function nauthilus_backend_verify_password(request)
  local B = nauthilus_builtin
  local mode = request.username:match("^set%-(.*)$")
  if mode then cache.cache_set("mode", mode) return B.BACKEND_RESULT_NOT_FOUND end
  mode = cache.cache_get("mode")
  if request.no_auth and mode == "denied" then return B.BACKEND_RESULT_DENIED end
  if request.no_auth and mode == "gone" then return B.BACKEND_RESULT_NOT_FOUND end
  if request.no_auth and mode == "error" then error("down") end
  local b = nauthilus_backend_result.new()
  b:user_found(true)
  b:authenticated(request.password == "right")
  b:account_field("account")
  b:attributes({ account = request.username, mail = "demo@example.org" })
  return B.BACKEND_RESULT_OK, b
end`;

const shift = { ms: 0 };
const real = realWorld();
const world = {
  ...real,
  clock: { ...real.clock, now: () => real.clock.now() + shift.ms, monotonic: () => real.clock.monotonic() + shift.ms },
};

let idp: TestIdp;
const { authorizeUrl, codeOf, loginPage, redeem, submit, token } = journeyOf(() => idp.issuer);
before(async () => {
  // The backend is told how to answer by sign-ins that fail.
  const more = "login: { throttle: { pair: 1000/15m, account: 1000/15m } }";
  idp = await startIdp({ script: SCRIPT, oidc: OIDC, world, more });
});
after(() => idp.stop());

/** From now on lookups answer like this, and what was cached is old. */
async function backendSays(mode: "fine" | "denied" | "gone" | "error"): Promise<void> {
  const visitor = createVisitor();
  await submit(visitor, await loginPage(visitor), `set-${mode}`, "x");
  shift.ms += 10_000;
}
beforeEach(() => backendSays("fine"));

async function tokensFor(visitor: Visitor): Promise<{ access_token: string; refresh_token: string }> {
  const page = await loginPage(visitor, "app", { scope: "openid email offline_access", prompt: "consent" });
  const answer = await submit(visitor, page, "demo", "right");
  const consent = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href), idp.issuer);
  const allowed = await visitor.post(consent.url, {
    csrf: consent.field("csrf"),
    decision: "allow",
    "scope.offline_access": "on",
  });
  const code = codeOf(await visitor.get(new URL(allowed.handoff ?? "", idp.issuer).href));
  return (await (await redeem(code)).json()) as { access_token: string; refresh_token: string };
}

const userinfo = (access: string) =>
  fetch(`${idp.issuer}/oidc/userinfo`, { headers: { authorization: `Bearer ${access}` } });
const refresh = (value: string) => token({ grant_type: "refresh_token", refresh_token: value });

for (const mode of ["denied", "gone"] as const) {
  test(`[39] an account the backend calls ${mode} later gets nothing at refresh and userinfo, and its page at the next authorization`, async () => {
    const visitor = createVisitor();
    const tokens = await tokensFor(visitor);
    await backendSays(mode);
    const info = await userinfo(tokens.access_token);
    assert.equal(info.status, 401);
    assert.match(info.headers.get("www-authenticate") ?? "", /invalid_token/);
    const refused = await refresh(tokens.refresh_token);
    assert.equal(refused.status, 400);
    assert.equal(((await refused.json()) as { error: string }).error, "invalid_grant");
    const silent = await visitor.get(authorizeUrl("app", { prompt: "none" }));
    assert.equal(new URL(silent.location ?? "").searchParams.get("error"), "access_denied");
    const page = await follow(visitor, await visitor.get(authorizeUrl("app")), idp.issuer);
    assert.match(page.body, /You can’t use/);
    await backendSays("fine");
    codeOf(await visitor.get(authorizeUrl("app", { prompt: "none" })));
  });
}

test("a backend that is down consumes nothing: 503 now, the same refresh token and session later", async () => {
  const visitor = createVisitor();
  const tokens = await tokensFor(visitor);
  await backendSays("error");
  assert.equal((await userinfo(tokens.access_token)).status, 503);
  const down = await refresh(tokens.refresh_token);
  assert.equal(down.status, 503);
  assert.equal(((await down.json()) as { error: string }).error, "temporarily_unavailable");
  const page = await visitor.get(authorizeUrl("app"));
  assert.equal(page.status, 503);
  assert.equal(page.location, undefined);
  const silent = await visitor.get(authorizeUrl("app", { prompt: "none" }));
  assert.equal(new URL(silent.location ?? "").searchParams.get("error"), "temporarily_unavailable");
  assert.ok((silent.location ?? "").startsWith(`${CALLBACK}?`));

  await backendSays("fine");
  assert.equal((await refresh(tokens.refresh_token)).status, 200);
  codeOf(await visitor.get(authorizeUrl("app", { prompt: "none" })));
});

test("a code is redeemed with what was decided a moment ago, although the backend is down now", async () => {
  const visitor = createVisitor();
  await tokensFor(visitor);
  const code = codeOf(await visitor.get(authorizeUrl("app", { prompt: "none" })));
  await backendSays("error");
  assert.equal((await redeem(code)).status, 200);
});

test("a remembered session outlives the idle time, and ends when it is older than allowed", async () => {
  const visitor = createVisitor();
  const page = await loginPage(visitor);
  const answer = await visitor.post(page.url, {
    csrf: page.field("csrf"),
    username: "demo",
    password: "right",
    remember: "on",
  });
  codeOf(await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href), idp.issuer));
  shift.ms += 6 * 86_400_000;
  codeOf(await visitor.get(authorizeUrl("app", { prompt: "none" })));
  shift.ms += 2 * 86_400_000;
  const over = await visitor.get(authorizeUrl("app", { prompt: "none" }));
  assert.equal(new URL(over.location ?? "").searchParams.get("error"), "login_required");
});
