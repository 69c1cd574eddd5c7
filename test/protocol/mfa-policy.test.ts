import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
  type Authenticator,
  type CreationOptions,
  createAuthenticator,
  type RequestOptions,
} from "../support/authenticator.ts";
import { createVisitor, follow, type Visit, type Visitor } from "../support/browser.ts";
import { codesOn, FACTOR_SCRIPT, reply, secretOn, totpCode } from "../support/factors.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { CALLBACK, journeyOf } from "../support/journey.ts";
import { createManualWorld } from "../support/manual-clock.ts";
import { authnRequest, redirectQuery } from "../support/saml/messages.ts";

/** What operators ask for an application; the same of a client and of a service provider. */
const POLICIES = {
  open: "",
  two: ", require_mfa: 2",
  three: ", require_mfa: 3",
  "keys-only": ", require_mfa: 2, supported_mfa: [webauthn]",
  "no-recovery": ", require_mfa: 2, supported_mfa: [totp, webauthn]",
} as const;
const PEOPLE = ["none", "totp", "key"] as const;

type Person = (typeof PEOPLE)[number];
/** What the application itself says in its request. */
type Demand = "nothing" | "level 2" | "level 3" | "wish 2" | "fresh" | "silent" | "silent level 2";

/** How the person signed in before, or not at all. */
type Before = "no" | "password" | "two steps" | "passkey";
/** The page that is shown, the level that the answer states, or that it is refused. */
type Seen = "sign in" | "confirm" | "code" | "key" | "set up" | "level 1" | "level 2" | "level 3" | "refused";
type Row = readonly [app: keyof typeof POLICIES, demand: Demand, person: Person, before: Before, seen: Seen];

const ROWS: readonly Row[] = [
  // What the operator asks, of somebody who comes fresh.
  ["open", "nothing", "none", "no", "sign in"],
  ["open", "nothing", "none", "password", "level 1"],
  ["open", "nothing", "totp", "two steps", "level 2"],
  ["open", "nothing", "key", "two steps", "level 3"],
  ["open", "nothing", "key", "passkey", "level 3"],
  ["two", "nothing", "none", "password", "set up"],
  ["two", "nothing", "totp", "two steps", "level 2"],
  ["two", "nothing", "key", "two steps", "level 3"],
  ["three", "nothing", "none", "password", "set up"],
  ["three", "nothing", "totp", "two steps", "set up"],
  ["three", "nothing", "key", "two steps", "level 3"],
  ["three", "nothing", "key", "passkey", "level 3"],
  ["keys-only", "nothing", "none", "password", "set up"],
  ["keys-only", "nothing", "totp", "two steps", "set up"],
  ["keys-only", "nothing", "key", "two steps", "level 3"],
  ["no-recovery", "nothing", "totp", "two steps", "level 2"],
  // What the application asks itself: an essential acr, a RequestedAuthnContext.
  ["open", "level 2", "none", "no", "sign in"],
  ["open", "level 2", "none", "password", "set up"],
  ["open", "level 2", "totp", "two steps", "level 2"],
  ["open", "level 2", "key", "passkey", "level 2"],
  ["open", "level 3", "totp", "two steps", "set up"],
  ["open", "level 3", "key", "two steps", "level 3"],
  ["two", "level 3", "key", "two steps", "level 3"],
  // Fresher proof: max_age and prompt=login, ForceAuthn.
  ["open", "fresh", "none", "password", "confirm"],
  ["open", "fresh", "totp", "two steps", "confirm"],
  ["two", "fresh", "key", "two steps", "confirm"],
  // Nobody may be asked: prompt=none, IsPassive.
  ["open", "silent", "none", "no", "refused"],
  ["open", "silent", "none", "password", "level 1"],
  ["two", "silent", "none", "password", "refused"],
  ["two", "silent", "totp", "two steps", "level 2"],
  ["open", "silent level 2", "none", "password", "refused"],
  ["open", "silent level 2", "totp", "two steps", "level 2"],
];
/** What only OpenID Connect can say: a wish that is no demand. */
const OIDC_ROWS: readonly Row[] = [
  ["open", "wish 2", "none", "password", "level 1"],
  ["open", "wish 2", "totp", "two steps", "level 2"],
  ["open", "wish 2", "none", "no", "sign in"],
];

const SECRET = "client_secret: a-secret-of-the-test-application";
const world = createManualWorld();
world.clock.advance(Date.now() - world.clock.now());
let idp: TestIdp;
const { authorizeUrl, codeOf, redeem } = journeyOf(() => idp.issuer);
const secrets = new Map<string, string>();
const keys = new Map<string, Authenticator>();

before(async () => {
  const entries = Object.entries(POLICIES);
  const clients = entries.map(
    ([id, more]) => `    - { client_id: ${id}, ${SECRET}, redirect_uris: ["${CALLBACK}"], skip_consent: true${more} }`,
  );
  const providers = entries.map(
    ([id, more]) => `    - { entity_id: "https://${id}.example/md", acs: ["https://${id}.example/acs"]${more} }`,
  );
  idp = await startIdp({
    script: FACTOR_SCRIPT,
    world,
    oidc: `  clients:\n${clients.join("\n")}`,
    more: `mfa: { throttle: { account: 1000/15m, address: 1000/15m } }\nsaml:\n  service_providers:\n${providers.join("\n")}`,
  });
  for (const person of PEOPLE) await prepare(person);
});
after(() => idp.stop());

const open = async (visitor: Visitor, url: string): Promise<Visit> =>
  follow(visitor, await visitor.get(url.startsWith("/") ? idp.issuer + url : url), idp.issuer);
const next = async (visitor: Visitor, page: Visit, fields: Readonly<Record<string, string>>): Promise<Visit> =>
  follow(visitor, await reply(visitor, page, fields), idp.issuer);

async function optionsOf(visitor: Visitor, page: Visit): Promise<CreationOptions & RequestOptions> {
  return JSON.parse((await visitor.post(`${page.url}/options`, { csrf: page.field("csrf") })).body) as CreationOptions &
    RequestOptions;
}

/** Sets up what this person has, from the account pages. */
async function prepare(person: Person): Promise<void> {
  if (person === "none") return;
  const visitor = createVisitor();
  await next(visitor, await open(visitor, "/account"), { username: person, password: "right" });
  const page = await open(visitor, `/account/methods/${person === "totp" ? "totp" : "keys/new"}`);
  if (person === "totp") {
    secrets.set(person, secretOn(page));
    const shown = await next(visitor, page, { code: code(person) });
    assert.ok(codesOn(shown).length > 0);
    // Not kept: recovery codes would be a second way in, and this is about the first.
  } else {
    const key = createAuthenticator({ origin: idp.issuer });
    keys.set(person, key);
    await next(visitor, page, { answer: JSON.stringify(key.register(await optionsOf(visitor, page))) });
  }
  world.clock.advance(60_000);
}

function code(person: string): string {
  return totpCode(secrets.get(person) ?? "", 0, world.clock.now());
}

async function signIn(visitor: Visitor, person: Person, session: Before): Promise<void> {
  if (session === "no") return;
  const page = await open(visitor, "/account");
  if (session === "passkey") {
    const answer = keys.get(person)?.assert(await optionsOf(visitor, page));
    await next(visitor, page, { answer: JSON.stringify(answer) });
  } else {
    const factor = await next(visitor, page, { username: person, password: "right" });
    if (session === "two steps") await prove(visitor, factor, person);
  }
  assert.match((await open(visitor, "/account")).body, /Hello/);
  world.clock.advance(60_000);
}

async function prove(visitor: Visitor, page: Visit, person: Person): Promise<Visit> {
  if (person === "totp") return next(visitor, page, { code: code(person) });
  const answer = keys.get(person)?.assert(await optionsOf(visitor, page));
  return next(visitor, page, { answer: JSON.stringify(answer) });
}

const NAMES = ["https://refeds.org/profile/sfa", "https://refeds.org/profile/mfa", "urn:moonlatch:level:3"];

function oidcUrl(app: string, demand: Demand): string {
  const wanted = / (\d)$/.exec(demand)?.[1];
  const name = wanted === undefined ? "" : (NAMES[Number(wanted) - 1] ?? "");
  const essential = demand.includes("level")
    ? { claims: JSON.stringify({ id_token: { acr: { essential: true, value: name } } }) }
    : {};
  return authorizeUrl(app, {
    ...essential,
    ...(demand.startsWith("wish") ? { acr_values: name } : {}),
    // Not max_age: the library reads the real clock, and this test moves its own.
    ...(demand === "fresh" ? { prompt: "login" } : {}),
    ...(demand.startsWith("silent") ? { prompt: "none" } : {}),
  });
}

function samlUrl(app: string, demand: Demand): string {
  const wanted = / (\d)$/.exec(demand)?.[1];
  const name = wanted === undefined ? undefined : NAMES[Number(wanted) - 1];
  const content =
    name === undefined
      ? ""
      : `<samlp:RequestedAuthnContext Comparison="minimum"><saml:AuthnContextClassRef>${name}</saml:AuthnContextClassRef></samlp:RequestedAuthnContext>`;
  const attributes = `${demand === "fresh" ? ' ForceAuthn="true"' : ""}${demand.startsWith("silent") ? ' IsPassive="true"' : ""}`;
  const destination = `${idp.issuer}/saml/sso`;
  const instant = new Date(world.clock.now()).toISOString();
  const request = authnRequest({ issuer: `https://${app}.example/md`, destination, attributes, content, instant });
  return `${destination}?${redirectQuery(request)}`;
}

const LEVELS: Readonly<Record<string, string>> = {
  "urn:moonlatch:level:1": "level 1",
  "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport": "level 1",
  "https://refeds.org/profile/mfa": "level 2",
  "urn:moonlatch:level:2": "level 2",
  "urn:moonlatch:level:3": "level 3",
};

/** How the pages are told apart. */
const PAGES: readonly (readonly [pattern: RegExp, seen: Seen])[] = [
  [/name="username"[^>]* readonly/, "confirm"],
  [/name="password"/, "sign in"],
  [/6-digit code/, "code"],
  [/Use your passkey/, "key"],
  [/Add a second step|Add a passkey|Set up an authenticator/, "set up"],
];

/** What a person, or the application, gets to see. */
async function outcomeOf(page: Visit, app: string): Promise<string> {
  if (page.location?.startsWith(CALLBACK) === true) {
    if (new URL(page.location).searchParams.get("error") !== null) return "refused";
    const acr = String((await claimsOf(page, app))["acr"]);
    return LEVELS[acr] ?? acr;
  }
  const response = Buffer.from(page.field("SAMLResponse"), "base64").toString();
  if (response === "") return PAGES.find(([pattern]) => pattern.test(page.body))?.[1] ?? page.body;
  const stated = /<saml:AuthnContextClassRef>([^<]+)</.exec(response)?.[1];
  return stated === undefined ? "refused" : (LEVELS[stated] ?? stated);
}

async function claimsOf(page: Visit, app: string): Promise<Record<string, unknown>> {
  const tokens = (await (await redeem(codeOf(page), app)).json()) as { id_token: string };
  const body = Buffer.from(tokens.id_token.split(".")[1] ?? "", "base64url").toString();
  return JSON.parse(body) as Record<string, unknown>;
}

for (const [protocol, rows, urlOf] of [
  ["OpenID Connect", [...ROWS, ...OIDC_ROWS], oidcUrl],
  ["SAML", ROWS, samlUrl],
] as const)
  for (const [app, demand, person, session, seen] of rows)
    test(`${protocol}: an application that is ${app} and asks for ${demand}, a person with ${person}, signed in by ${session}: ${seen}`, async () => {
      const visitor = createVisitor();
      await signIn(visitor, person, session);
      assert.equal(await outcomeOf(await open(visitor, urlOf(app, demand)), app), seen);
    });

test("a step-up asks only for what is missing, and what was proven before stays", async () => {
  const visitor = createVisitor();
  const page = await open(visitor, oidcUrl("two", "nothing"));
  const factor = await next(visitor, page, { username: "totp", password: "right" });
  assert.match(factor.body, /6-digit code/);
  const done = await reply(visitor, factor, { code: code("totp") });
  const end = await open(visitor, new URL(done.handoff ?? "", idp.issuer).href);
  const claims = await claimsOf(end, "two");
  assert.deepEqual(claims["amr"], ["pwd", "otp", "mfa"]);
  world.clock.advance(60_000);
});

test("cancelling a forced set-up tells the application, and leaves nobody signed in", async () => {
  const visitor = createVisitor();
  const page = await open(visitor, oidcUrl("two", "nothing"));
  const choose = await next(visitor, page, { username: "none", password: "right" });
  assert.match(choose.body, /Add a second step/);
  const cancelled = await reply(visitor, choose, { decision: "cancel" });
  const end = await open(visitor, new URL(cancelled.handoff ?? "", idp.issuer).href);
  assert.equal(new URL(end.location ?? "").searchParams.get("error"), "access_denied");
  assert.match((await open(visitor, "/account")).body, /<h1[^>]*>Sign in/);
});
