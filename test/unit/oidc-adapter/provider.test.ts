import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { Provider } from "oidc-provider";
import { realWorld } from "../../../src/app/index.ts";
import { openKeyRing } from "../../../src/keys/index.ts";
import { createAdapterFactory } from "../../../src/oidc/index.ts";
import { openStore, type Store } from "../../../src/store/index.ts";

const CALLBACK = "https://app.example/cb";
const VERIFIER = "v".repeat(43);
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");

/** oidc-provider itself over our adapter; whoever comes to an interaction is signed in as `demo`. */
async function given(context: TestContext) {
  const world = realWorld();
  const plain = await openStore("memory:", world);
  const { meet, store } = withMeetings(plain);
  const keys = await openKeyRing({ store, world });
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const issuer = `http://localhost:${(server.address() as AddressInfo).port}`;
  const client = {
    client_id: "web",
    redirect_uris: [CALLBACK],
    token_endpoint_auth_method: "none" as const,
    grant_types: ["authorization_code", "refresh_token"],
  };
  const clients = { metadata: (id: string) => (id === "web" ? client : undefined) };
  const provider = new Provider(issuer, {
    adapter: createAdapterFactory({ store, clients, clock: world.clock }),
    cookies: { keys: [...keys.cookieKeys] },
    jwks: { keys: keys.jwks.keys.map((key) => ({ ...key })) },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    issueRefreshToken: () => true,
    rotateRefreshToken: true,
    ttl: { Session: 600, Grant: 600, Interaction: 600, AccessToken: 600, IdToken: 600, RefreshToken: 600 },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    async loadExistingGrant(ctx) {
      const { client: asking, session } = ctx.oidc;
      const grant = new provider.Grant({ clientId: asking?.clientId ?? "", accountId: session?.accountId ?? "" });
      grant.addOIDCScope("openid");
      await grant.save();
      return grant;
    },
  });
  server.on("request", (req, res) => {
    if (req.url?.startsWith("/interaction/") !== true) return void provider.callback()(req, res);
    const login = { accountId: "demo" };
    provider.interactionFinished(req, res, { login }).catch((error: unknown) => res.destroy(error as Error));
  });
  return { issuer, store, meet };
}

/** After `meet(kind, count)` that many readers of the kind wait for each other, so that all of them saw the same record. */
function withMeetings(plain: Store): { readonly store: Store; readonly meet: (kind: string, count: number) => void } {
  const meetings = new Map<string, { missing: number; readonly everybody: PromiseWithResolvers<void> }>();
  const get: Store["get"] = async (kind, id) => {
    const record = await plain.get(kind, id);
    const meeting = meetings.get(kind);
    if (meeting === undefined || meeting.missing === 0) return record;
    meeting.missing -= 1;
    if (meeting.missing === 0) meeting.everybody.resolve();
    await meeting.everybody.promise;
    return record;
  };
  return {
    store: { ...plain, get },
    meet: (kind, count) => void meetings.set(kind, { missing: count, everybody: Promise.withResolvers() }),
  };
}

function authorizeUrl(issuer: string, more: Readonly<Record<string, string>> = {}): string {
  const query = {
    client_id: "web",
    response_type: "code",
    redirect_uri: CALLBACK,
    scope: "openid",
    code_challenge: CHALLENGE,
    code_challenge_method: "S256",
    ...more,
  };
  return `${issuer}/auth?${new URLSearchParams(query).toString()}`;
}

/** Cookies by name. A copy of it is the same browser at an earlier moment. */
type Jar = Map<string, string>;

/** One request; where it leads. */
async function step(jar: Jar, url: string): Promise<string> {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join("; ");
  const response = await fetch(url, { headers: { cookie }, redirect: "manual" });
  for (const line of response.headers.getSetCookie()) {
    const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
    if (value === "") jar.delete(name);
    else jar.set(name, value);
  }
  return new URL(response.headers.get("location") ?? "", url).href;
}

/** Query of the answer the application gets. */
async function authorize(jar: Jar, url: string): Promise<URLSearchParams> {
  let at = url;
  for (let hops = 0; hops < 10 && !at.startsWith(CALLBACK); hops += 1) at = await step(jar, at);
  assert.ok(at.startsWith(CALLBACK), at);
  return new URL(at).searchParams;
}

interface TokenAnswer {
  readonly status: number;
  readonly body: { readonly error?: string; readonly refresh_token?: string };
}

async function token(issuer: string, fields: Readonly<Record<string, string>>): Promise<TokenAnswer> {
  const body = new URLSearchParams({ client_id: "web", ...fields });
  const response = await fetch(`${issuer}/token`, { method: "POST", body });
  return { status: response.status, body: (await response.json()) as TokenAnswer["body"] };
}

function summary(answers: readonly TokenAnswer[]): readonly string[] {
  return answers.map(({ status, body }) => `${status} ${body.error ?? "ok"}`).toSorted();
}

test("[30] [38] of parallel redemptions of one code, and of one refresh token, one succeeds and the others are invalid_grant", async (context) => {
  const { issuer, meet } = await given(context);
  const code = (await authorize(new Map(), authorizeUrl(issuer))).get("code") ?? "";
  const redeem = () =>
    token(issuer, { grant_type: "authorization_code", code, redirect_uri: CALLBACK, code_verifier: VERIFIER });
  meet("oidc.AuthorizationCode", 6);
  const answers = await Promise.all(Array.from({ length: 6 }, redeem));
  const won = answers.filter(({ status }) => status === 200);
  assert.equal(won.length, 1, JSON.stringify(summary(answers)));
  for (const { status, body } of answers)
    assert.ok(status === 200 || (status === 400 && body.error === "invalid_grant"));

  const fresh = (await authorize(new Map(), authorizeUrl(issuer))).get("code") ?? "";
  const first = await token(issuer, {
    grant_type: "authorization_code",
    code: fresh,
    redirect_uri: CALLBACK,
    code_verifier: VERIFIER,
  });
  const refreshToken = first.body.refresh_token ?? "";
  assert.notEqual(refreshToken, "");
  const refresh = () => token(issuer, { grant_type: "refresh_token", refresh_token: refreshToken });
  meet("oidc.RefreshToken", 3);
  const refreshed = await Promise.all([refresh(), refresh(), refresh()]);
  assert.equal(refreshed.filter(({ status }) => status === 200).length, 1, JSON.stringify(summary(refreshed)));
  for (const { status, body } of refreshed) assert.ok(status === 200 || body.error === "invalid_grant");
});

test("a browser that lost the answer of a resume is still signed in with its old session cookie", async (context) => {
  const { issuer, store } = await given(context);
  const jar: Jar = new Map();
  await authorize(jar, authorizeUrl(issuer));
  const before = await store.list("oidc.Session");
  assert.equal(before.length, 1);

  // The same person signs in again; this browser never sees the answers of it.
  await authorize(new Map(jar), authorizeUrl(issuer, { prompt: "login" }));
  const after = await store.list("oidc.Session");
  assert.equal(after.length, 1);
  assert.notEqual(after[0]?.id, before[0]?.id);
  assert.equal(after[0]?.record.value["uid"], before[0]?.record.value["uid"]);

  const answer = await authorize(jar, authorizeUrl(issuer, { prompt: "none" }));
  assert.equal(answer.get("error"), null);
  assert.notEqual(answer.get("code"), null);
});

test("signing in for the first time leaves no alias from the anonymous session", async (context) => {
  const { issuer, store } = await given(context);
  await authorize(new Map(), authorizeUrl(issuer));
  assert.deepEqual(await store.list("oidc.SessionAlias"), []);
});
