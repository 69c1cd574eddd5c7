import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { BACKEND_FUNCTIONS } from "../../src/backend/index.ts";
import { type CreationOptions, createAuthenticator, type RequestOptions } from "../support/authenticator.ts";
import { createVisitor, follow, type Visit, type Visitor } from "../support/browser.ts";
import { codesOn, FACTOR_SCRIPT, reply, secretOn, totpCode } from "../support/factors.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf } from "../support/journey.ts";
import { createManualWorld } from "../support/manual-clock.ts";
import { authnRequest, redirectQuery } from "../support/saml/messages.ts";

const world = createManualWorld();
world.clock.advance(Date.now() - world.clock.now());
let idp: TestIdp;
const { authorizeUrl } = journeyOf(() => idp.issuer);
before(async () => {
  idp = await startIdp({
    script: FACTOR_SCRIPT,
    world,
    oidc: `  clients:
    - { client_id: strict, client_secret: a-secret-of-the-test-application, redirect_uris: ["${CALLBACK}"], skip_consent: true, require_mfa: 2 }`,
    more: `mfa: { throttle: { account: 1000/15m, address: 1000/15m } }
saml:
  service_providers:
    - { entity_id: "https://sp.example/md", acs: ["https://sp.example/acs"], require_mfa: 2 }`,
  });
});
after(() => idp.stop());

const PREFIX = "nauthilus_backend_";
const next = async (visitor: Visitor, page: Visit, fields: Readonly<Record<string, string>>): Promise<Visit> =>
  follow(visitor, await reply(visitor, page, fields), idp.issuer);

function samlUrl(): string {
  const destination = `${idp.issuer}/saml/sso`;
  const instant = new Date(world.clock.now()).toISOString();
  return `${destination}?${redirectQuery(authnRequest({ issuer: "https://sp.example/md", destination, instant }))}`;
}

/** Where each flow begins, and what every call of it must say of the application behind it. */
const FLOWS = {
  oidc: { begin: () => authorizeUrl("strict"), context: "cid=strict entity= protocol=oidc" },
  saml: { begin: samlUrl, context: "cid= entity=https://sp.example/md protocol=saml" },
} as const;

async function password(visitor: Visitor, url: string, username: string): Promise<Visit> {
  const page = await follow(visitor, await visitor.get(url), idp.issuer);
  return next(visitor, page, { username, password: "right" });
}

async function optionsOf(visitor: Visitor, page: Visit): Promise<CreationOptions & RequestOptions> {
  const answer = await visitor.post(`${page.url}/options`, { csrf: page.field("csrf") });
  return JSON.parse(answer.body) as CreationOptions & RequestOptions;
}

/** The lines the script wrote about a person, as function and context. */
function calls(username: string): readonly { readonly fn: string; readonly context: string }[] {
  return idp.log.flatMap((line) => {
    const [, fn = "", context = ""] =
      new RegExp(`spy (\\w+) user=${username} (cid=\\S* entity=\\S* protocol=\\w+)`).exec(line) ?? [];
    return fn === "" ? [] : [{ fn, context }];
  });
}

async function withTotp(visitor: Visitor, url: string, username: string): Promise<readonly string[]> {
  const setup = await next(visitor, await password(visitor, url, username), { method: "totp" });
  const shown = await next(visitor, setup, { code: totpCode(secretOn(setup), 0, world.clock.now()) });
  const codes = codesOn(shown);
  if (codes.length > 0) await reply(visitor, shown, { saved: "on" });
  return codes;
}

async function useCode(url: string, username: string, code: string): Promise<void> {
  const visitor = createVisitor();
  const chooser = await next(visitor, await password(visitor, url, username), { decision: "other" });
  await reply(visitor, await next(visitor, chooser, { method: "recovery" }), { code });
}

for (const [protocol, { begin, context }] of Object.entries(FLOWS))
  test(`in every flow of ${protocol} each function hears of the application behind it, and of nothing else`, async () => {
    const [app, key, forgetful] = [`${protocol}-app`, `${protocol}-key`, "forgetful"];
    const codes = await withTotp(createVisitor(), begin(), app);
    assert.equal(codes.length, 10);
    // The last one empties the list.
    for (const code of codes) await useCode(begin(), app, code);

    const authenticator = createAuthenticator({ origin: idp.issuer });
    const owner = createVisitor();
    const page = await next(owner, await password(owner, begin(), key), { method: "webauthn" });
    const shown = await next(owner, page, {
      answer: JSON.stringify(authenticator.register(await optionsOf(owner, page))),
    });
    await reply(owner, shown, { saved: "on" });
    const again = createVisitor();
    const factor = await password(again, begin(), key);
    await reply(again, factor, { answer: JSON.stringify(authenticator.assert(await optionsOf(again, factor))) });

    // What is not kept is undone, over the same context.
    await withTotp(createVisitor(), begin(), forgetful).catch(() => undefined);
    const undone = createVisitor();
    const broken = await next(undone, await password(undone, begin(), forgetful), { method: "webauthn" });
    const lost = createAuthenticator({ origin: idp.issuer }).register(await optionsOf(undone, broken));
    assert.equal((await reply(undone, broken, { answer: JSON.stringify(lost) })).status, 503);

    const heard = [app, key, forgetful]
      .flatMap(calls)
      .filter((call) => protocol === "oidc" || call.context.includes("saml"));
    const functions = new Set(heard.map(({ fn }) => PREFIX + fn));
    const expected = Object.keys(BACKEND_FUNCTIONS).filter((fn) => fn !== `${PREFIX}list_accounts`);
    assert.deepEqual([...functions].toSorted(), expected.toSorted());
    assert.deepEqual([...new Set(heard.map((call) => call.context))], [context]);
  });

test("on the account pages no application is behind any call", async () => {
  const visitor = createVisitor();
  const open = async (path: string): Promise<Visit> =>
    follow(visitor, await visitor.get(idp.issuer + path), idp.issuer);
  await password(visitor, `${idp.issuer}/account`, "portal");
  const setup = await open("/account/methods/totp");
  await next(visitor, await next(visitor, setup, { code: totpCode(secretOn(setup), 0, world.clock.now()) }), {
    saved: "on",
  });
  const page = await open("/account/methods/keys/new");
  const made = createAuthenticator({ origin: idp.issuer }).register(await optionsOf(visitor, page));
  const named = await next(visitor, page, { answer: JSON.stringify(made) });
  const renamed = await next(visitor, named, { name: "Key" });
  const removeHref = /href="(\/account\/methods\/keys\/[^"]+\/remove)"/.exec(renamed.body)?.[1] ?? "";
  await next(visitor, await open(removeHref), {});
  await next(visitor, await open("/account/methods/totp/remove"), {});
  const heard = calls("portal");
  const functions = new Set(heard.map(({ fn }) => PREFIX + fn));
  const expected = Object.keys(BACKEND_FUNCTIONS).filter((fn) => fn !== `${PREFIX}list_accounts`);
  assert.deepEqual([...functions].toSorted(), expected.toSorted());
  assert.deepEqual([...new Set(heard.map((call) => call.context))], ["cid= entity= protocol=idp"]);
});
