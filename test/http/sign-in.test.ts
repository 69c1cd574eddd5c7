import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createVisitor, follow } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf, OIDC, SCRIPT } from "../support/journey.ts";

let idp: TestIdp;
const { authorizeUrl, codeOf, loginPage, redeem, signIn, submit, token } = journeyOf(() => idp.issuer);
before(async () => {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-signin-"));
  writeFileSync(join(folder, "logo.svg"), '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>');
  idp = await startIdp({ script: SCRIPT, oidc: OIDC, folder, more: "ui: { product: Example ID, logo: ./logo.svg }" });
});
after(async () => {
  await idp.stop();
  rmSync(idp.folder, { recursive: true, force: true });
});

test("a right password leads to a code, tokens and the mapped claims", async () => {
  const code = codeOf(await signIn(createVisitor()));
  const tokens = (await (await redeem(code)).json()) as { access_token: string; id_token: string };
  const claims = JSON.parse(Buffer.from(tokens.id_token.split(".")[1] ?? "", "base64url").toString()) as Record<
    string,
    unknown
  >;
  assert.equal(claims["sub"], "u-demo");
  assert.equal(claims["acr"], "urn:moonlatch:level:1");
  assert.deepEqual(claims["amr"], ["pwd"]);
  assert.equal(typeof claims["auth_time"], "number");
  const userinfo = await fetch(`${idp.issuer}/oidc/userinfo`, {
    headers: { authorization: `Bearer ${tokens.access_token}` },
  });
  assert.deepEqual(await userinfo.json(), {
    sub: "u-demo",
    name: "Name of demo",
    preferred_username: "demo",
    email: "demo@example.org",
    groups: ["staff"],
  });
});

test("the operator's product name and logo stand on the page, the logo from our own origin", async () => {
  const page = await loginPage(createVisitor());
  assert.match(page.body, /<title>Sign in – Example ID<\/title>/);
  const logo = await fetch(new URL(/<img class="logo" src="([^"]+)"/.exec(page.body)?.[1] ?? "", idp.issuer));
  assert.equal(logo.status, 200);
  assert.equal(logo.headers.get("content-type"), "image/svg+xml");
});

test("[30] a code is good for one of twelve parallel redemptions", async () => {
  const code = codeOf(await signIn(createVisitor()));
  const answers = await Promise.all(Array.from({ length: 12 }, () => redeem(code)));
  assert.equal(answers.filter(({ status }) => status === 200).length <= 1, true);
  assert.equal(
    answers.every(({ status }) => status === 200 || status === 400),
    true,
  );
});

test("wrong password, unknown user and DENIED give one page with one wording", async () => {
  const pages = await Promise.all(
    ["demo", "nobody", "banned"].map(async (username) => {
      const visitor = createVisitor();
      const answer = await submit(visitor, await loginPage(visitor), username, "wrong");
      assert.equal(answer.status, 303);
      const shown = await follow(visitor, answer, idp.issuer);
      return { status: shown.status, text: shown.body.replaceAll(/value="[^"]*"|\/login\/oidc\/[\w-]+/g, "") };
    }),
  );
  assert.match(pages[0]?.text ?? "", /That sign-in did not work/);
  assert.deepEqual(pages[1], pages[0]);
  assert.deepEqual(pages[2], pages[0]);
});

test("a Lua error and a wrong return value are temporary failures with a reference that is in the log", async () => {
  for (const username of ["broken", "strange"]) {
    const visitor = createVisitor();
    const answer = await submit(visitor, await loginPage(visitor), username, "right");
    assert.equal(answer.status, 503);
    const reference = /Reference ([0-9a-f]{12})/.exec(answer.body)?.[1] ?? "none";
    assert.ok(idp.log.some((line) => line.includes(reference) && line.includes("nauthilus_backend_verify_password")));
    assert.doesNotMatch(answer.body, /database is down/);
  }
});

test("an application the backend denies gets access_denied after its own page, and the session lives on", async () => {
  for (const client of ["forbidden", "editors"]) {
    const visitor = createVisitor();
    const page = await signIn(visitor, client);
    assert.match(page.body, /You can’t use/);
    const answer = await visitor.post(page.url, { csrf: page.field("csrf"), decision: "back" });
    const back = await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href);
    assert.equal(new URL(back.location ?? "").searchParams.get("error"), "access_denied");
    const other = await follow(visitor, await visitor.get(authorizeUrl("app")), idp.issuer);
    codeOf(other);
  }
});

test("consent is asked once and remembered, and can be refused", async () => {
  const visitor = createVisitor();
  const page = await signIn(visitor, "asking");
  assert.match(page.body, /Allow Asking application to use your account/);
  const refused = await visitor.post(page.url, { csrf: page.field("csrf"), decision: "deny" });
  const back = await visitor.get(new URL(refused.handoff ?? "", idp.issuer).href);
  assert.equal(new URL(back.location ?? "").searchParams.get("error"), "access_denied");

  const again = await follow(visitor, await visitor.get(authorizeUrl("asking")), idp.issuer);
  const allowed = await visitor.post(again.url, { csrf: again.field("csrf"), decision: "allow", "scope.groups": "on" });
  codeOf(await visitor.get(new URL(allowed.handoff ?? "", idp.issuer).href));
  codeOf(await follow(visitor, await visitor.get(authorizeUrl("asking")), idp.issuer));
});

test("the interaction is useless in another browser", async () => {
  const page = await loginPage(createVisitor());
  const foreign = await createVisitor().post(page.url, {
    csrf: page.field("csrf"),
    username: "demo",
    password: "right",
  });
  assert.equal(foreign.status, 400);
  assert.match(foreign.body, /Your browser did not send back our cookie/);
  const own = createVisitor();
  await loginPage(own);
  assert.equal((await own.get(page.url)).status, 400);
});

test("a form without its token, from another site or with a field twice is refused", async () => {
  const visitor = createVisitor();
  const page = await loginPage(visitor);
  assert.equal((await visitor.post(page.url, { csrf: "x", username: "demo", password: "right" })).status, 403);
  const crossSite = await visitor.post(
    page.url,
    { csrf: page.field("csrf"), username: "demo", password: "right" },
    { origin: "https://evil.example" },
  );
  assert.equal(crossSite.status, 403);
  const request = {
    method: "POST",
    body: "csrf=a&csrf=b",
    headers: { "content-type": "application/x-www-form-urlencoded" },
  };
  assert.equal((await fetch(`${idp.issuer}/login/oidc/whatever`, request)).status, 400);
});

test("two posts of one form are one backend call and end in the same place", async () => {
  const visitor = createVisitor();
  const page = await loginPage(visitor);
  const calls = () => idp.log.filter((line) => line.includes("no_auth=false")).length;
  const earlier = calls();
  const answers = await Promise.all([submit(visitor, page, "demo", "right"), submit(visitor, page, "demo", "right")]);
  assert.equal(calls() - earlier, 1);
  assert.deepEqual(
    answers.map(({ handoff }) => handoff),
    [answers[0].handoff, answers[0].handoff],
  );
  assert.ok(answers[0].handoff !== undefined);
});

test("guessing one account is stopped with the time left, whatever the spelling of its name", async () => {
  const visitor = createVisitor();
  let page = await loginPage(visitor);
  for (let tries = 0; tries < 10; tries += 1) {
    page = await follow(
      visitor,
      await submit(visitor, page, tries % 2 === 0 ? "victim" : " VICTIM ", "wrong"),
      idp.issuer,
    );
  }
  const stopped = await submit(visitor, page, "victim", "right");
  assert.equal(stopped.status, 429);
  assert.match(stopped.body, /You can try again in 1\d minutes/);
  assert.ok(Number(stopped.headers.get("retry-after")) > 0);
});

test("prompt=none without a session answers login_required, with one a code", async () => {
  const visitor = createVisitor();
  const silent = await visitor.get(authorizeUrl("app", { prompt: "none" }));
  assert.equal(new URL(silent.location ?? "").searchParams.get("error"), "login_required");
  await signIn(visitor);
  codeOf(await visitor.get(authorizeUrl("app", { prompt: "none" })));
});

test("prompt=login asks the known person for the password again and cannot be answered for another name", async () => {
  const visitor = createVisitor();
  await signIn(visitor);
  const page = await loginPage(visitor, "app", { prompt: "login" });
  assert.match(page.body, /readonly/);
  const answer = await submit(visitor, page, "somebody-else", "right");
  const code = codeOf(await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href));
  const tokens = (await (await redeem(code)).json()) as { id_token: string };
  assert.equal(
    (JSON.parse(Buffer.from(tokens.id_token.split(".")[1] ?? "", "base64url").toString()) as { sub: string }).sub,
    "u-demo",
  );
});

test("an unknown client and an unregistered redirect address end on a page that goes nowhere", async () => {
  const visitor = createVisitor();
  for (const url of [authorizeUrl("stranger"), authorizeUrl("app", { redirect_uri: `${CALLBACK}/evil` })]) {
    const page = await visitor.get(url);
    assert.equal(page.status, 400);
    assert.equal(page.location, undefined);
    assert.doesNotMatch(page.body, /evil|http-equiv="refresh"/);
  }
  assert.ok(idp.log.some((line) => line.includes(`"nearest_registered":"${CALLBACK}"`)));
});

test("[28] every call of the script carried the validated client id, and never both kinds of application", () => {
  const calls = idp.log.filter((line) => line.includes("call cid="));
  assert.ok(calls.length > 10);
  for (const line of calls) assert.match(line, /call cid=(app|asking|forbidden|editors) entity= protocol=oidc/);
});

test("[1] a foreign Host is refused before anything else", async () => {
  const { request } = await import("node:http");
  const status = await new Promise<number | undefined>((resolve) => {
    const { port } = new URL(idp.issuer);
    request(
      { host: "127.0.0.1", port, path: "/.well-known/openid-configuration", headers: { host: "evil.example" } },
      (res) => {
        res.resume();
        resolve(res.statusCode);
      },
    ).end();
  });
  assert.equal(status, 421);
});

test("[38] refresh tokens rotate, and a replayed one ends the family", async () => {
  const visitor = createVisitor();
  const page = await loginPage(visitor, "app", { scope: "openid offline_access", prompt: "consent" });
  const answer = await submit(visitor, page, "demo", "right");
  let at = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", idp.issuer).href), idp.issuer);
  if (at.status === 200) {
    const allowed = await visitor.post(at.url, {
      csrf: at.field("csrf"),
      decision: "allow",
      "scope.offline_access": "on",
    });
    at = await visitor.get(new URL(allowed.handoff ?? "", idp.issuer).href);
  }
  const first = (await (await redeem(codeOf(at))).json()) as { refresh_token: string };
  const refresh = (value: string) => token({ grant_type: "refresh_token", refresh_token: value });
  const second = (await (await refresh(first.refresh_token)).json()) as { refresh_token: string };
  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal((await refresh(first.refresh_token)).status, 400);
  assert.equal((await refresh(second.refresh_token)).status, 400);
});

test("no password and no token ever stands in the log", () => {
  assert.ok(idp.log.length > 0);
  assert.equal(
    idp.log.some((line) => line.includes('"right"') || line.includes("a-secret-of-the-test-application")),
    false,
  );
});
