import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { composeIdp, realWorld } from "../../src/app/index.ts";
import { formatFaults, loadConfig } from "../../src/config/index.ts";
import { listen } from "../../src/front/index.ts";
import type { World } from "../../src/kernel/index.ts";
import { openStore, type Store } from "../../src/store/index.ts";
import { createLogger } from "../../src/telemetry/index.ts";
import { createVisitor, follow, type Visit, type Visitor } from "./browser.ts";
import { FACTOR_SCRIPT, reply, totpCode } from "./factors.ts";
import { createFaultPlan, type FaultPlan, faultyStore } from "./faulty-store.ts";
import { freePort } from "./free-port.ts";
import { CALLBACK, journeyOf } from "./journey.ts";

/** What people called `enrolled…` have from the start. */
export const SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
export const CODES = Array.from({ length: 10 }, (_, index) => `${index}a2b-c3d4-e5f6`);
/** The backend of the factor tests; what is stored is told at every password. */
const SCRIPT = `${FACTOR_SCRIPT}
local verify = nauthilus_backend_verify_password
function nauthilus_backend_verify_password(request)
  local user = request.username
  if string.sub(user, 1, 8) == "enrolled" and get("seeded:" .. user) == nil then
    set("seeded:" .. user, "yes")
    set("totp:" .. user, "${SECRET}")
    set("codes:" .. user, "${CODES.join(",")}")
  end
  print("kept <" .. user .. "> <" .. (get("totp:" .. user) or "") .. "> <" .. (get("codes:" .. user) or "") .. ">")
  return verify(request)
end`;

const OIDC = `  clients:
    - { client_id: app, client_name: Test application, client_secret: a-secret-of-the-test-application, redirect_uris: ["${CALLBACK}"], grant_types: [authorization_code, refresh_token], skip_consent: true }`;
const SAML = "saml: { service_providers: [{ metadata: ./sp.xml, name: Node SP }] }";

export interface FaultyIdp {
  readonly issuer: string;
  /** Log lines so far. */
  readonly log: readonly string[];
  readonly plan: FaultPlan;
  readonly store: Store;
  stop(): Promise<void>;
}

export interface FaultyIdpOptions {
  /** Metadata of a SAML service provider. */
  readonly metadata?: string;
  /** Default: the real clock and randomness. */
  readonly world?: World;
}

/** The composed provider on a free loopback port, over a memory store that fails as its plan says. */
export async function startFaultyIdp({ metadata, world }: FaultyIdpOptions): Promise<FaultyIdp> {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-faulty-"));
  const log: string[] = [];
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  const yaml = `issuer: ${issuer}
server: { listen: [{ host: 127.0.0.1, port: ${port} }] }
store: "memory:"
lua: { backends: [{ name: default, script: ./backend.lua }] }
oidc:
${OIDC}
${metadata === undefined ? "" : SAML}
`;
  for (const [name, text] of Object.entries({ "sp.xml": metadata ?? "", "backend.lua": SCRIPT, "config.yaml": yaml }))
    writeFileSync(join(folder, name), text);
  const loaded = loadConfig(join(folder, "config.yaml"), {});
  if (!loaded.ok) throw new Error(formatFaults(loaded.problem));
  const { value: config } = loaded;
  const outside = world ?? realWorld();
  const plan = createFaultPlan();
  const store = faultyStore(await openStore(config.store, outside), plan);
  const logger = createLogger({ level: "debug", format: "json", write: (line) => void log.push(line) });
  const idp = await composeIdp({ config, world: outside, logger, environment: {}, store });
  const opened = await listen((req, res) => plan.within(() => idp.handler(req, res)), config.server.listen, idp.front);
  if (!opened.ok) throw new Error(opened.problem.message);
  return {
    issuer,
    log,
    plan,
    store,
    async stop() {
      await opened.value.close(0);
      await idp.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** An answer, whoever asked. */
export type Answer = Pick<Visit, "status" | "url" | "headers" | "body">;

/** A browser and the application behind it, that remember every answer they got. */
export interface Witness extends Visitor {
  readonly answers: readonly Answer[];
  /** A request of the application. */
  api(request: () => Promise<Response>): Promise<Answer>;
  /** What sends the last request of the browser once more, whatever it asks until then. */
  last(): () => Promise<Visit>;
}

export function createWitness(): Witness {
  const visitor = createVisitor();
  const answers: Answer[] = [];
  let last: () => Promise<Visit> = () => Promise.reject(new Error("nothing was asked yet"));
  const ask = async (request: () => Promise<Visit>): Promise<Visit> => {
    last = request;
    const visit = await request();
    answers.push(visit);
    return visit;
  };
  return {
    answers,
    get: (url) => ask(() => visitor.get(url)),
    post: (...args) => ask(() => visitor.post(...args)),
    last: () => {
      const request = last;
      return () => ask(request);
    },
    async api(request) {
      const { status, url, headers, ...response } = await request().then(async (got) => ({
        status: got.status,
        url: got.url,
        headers: got.headers,
        body: await got.text(),
      }));
      const answer = { status, url, headers, ...response };
      answers.push(answer);
      return answer;
    },
  };
}

/** Endpoints that only applications call. */
const API = /^\/oidc\/(?:token|userinfo|introspect|revoke|jwks)$/;

/** Whatever failed: never more than 503, with the time to come again, nothing of the inside, and for applications in their words. */
export function assertGraceful({ status, url, headers, body }: Answer): void {
  const path = new URL(url).pathname.replaceAll(/[\w-]{20,}/g, "…");
  assert.ok(status < 500 || status === 503, `${path} answered ${status}`);
  assert.doesNotMatch(body, /at \/|\.ts:/, `${path} shows a stack`);
  if (status !== 503) return;
  assert.equal(headers.get("location"), null, `${path} answered 503 with a Location`);
  assert.match(headers.get("retry-after") ?? "", /^[1-9]\d*$/, `${path} answered 503 without Retry-After`);
  if (!API.test(path)) return;
  assert.match(headers.get("content-type") ?? "", /^application\/json\b/, `${path} answered 503 without JSON`);
  assert.equal((JSON.parse(body) as { error?: string }).error, "temporarily_unavailable", path);
}

/** One person on the way through a journey, and what was sent so far. */
export interface Trip {
  readonly user: string;
  readonly witness: Witness;
  readonly sent: Map<string, string>;
}

/** Something people do here, in steps. */
export interface Journey {
  /** Names beginning with `enrolled` have factors. */
  readonly people: "plain" | "enrolled";
  /** What must have been sent before this browser may be signed in; `"nothing"` is never sent. */
  readonly needs: readonly string[];
  /** Whether the browser is signed in at the end. */
  readonly endsIn: boolean;
  /** At which calls a delay is tried: every so manyth. */
  readonly delayEvery?: number;
  /** Calls that may fail unnoticed here. */
  readonly spares?: RegExp;
  prepare?(trip: Trip): Promise<unknown>;
  /** As far as the answers lead. */
  run(trip: Trip): Promise<void>;
  /** What else must hold, once the store works again. */
  after?(trip: Trip, finished: boolean): Promise<void>;
}

/** The answer a journey could not go on from. */
export class Stopped extends Error {}

export function want(isThere: boolean, { status, url, body }: Answer): asserts isThere {
  const path = new URL(url).pathname.replaceAll(/[\w-]{20,}/g, "…");
  const title = /<title>([^<]*)/.exec(body)?.[1] ?? body.slice(0, 60);
  if (!isThere) throw new Stopped(`stopped at ${path} with ${status} (${title})`);
}

export const trip = (user: string): Trip => ({ user, witness: createWitness(), sent: new Map() });

/** The steps people and applications take at one provider. */
export function stepsAt(idp: Pick<FaultyIdp, "issuer" | "log">, now: () => number) {
  const oidc = journeyOf(() => idp.issuer);
  const at = (path: string): string => new URL(path, idp.issuer).href;
  const open = async ({ witness }: Trip, path: string): Promise<Visit> =>
    follow(witness, await witness.get(at(path)), idp.issuer);
  const land = ({ witness }: Trip, answer: Visit): Promise<Visit> => follow(witness, answer, idp.issuer);
  const next = async (one: Trip, page: Visit, fields: Readonly<Record<string, string>>): Promise<Visit> =>
    land(one, await reply(one.witness, page, fields));

  async function password(one: Trip, path: string): Promise<Visit> {
    const form = await open(one, path);
    want(form.status === 200 && form.field("csrf") !== "", form);
    one.sent.set("password", "right");
    const answer = await next(one, form, { username: one.user, password: "right" });
    want(answer.status === 200, answer);
    return answer;
  }
  /** Sends a code; its answer, wherever that leads. */
  async function prove(one: Trip, page: Visit, method: "totp" | "recovery", code: string): Promise<Visit> {
    want(/6-digit code/.test(page.body), page);
    if (method === "totp") {
      one.sent.set(method, code);
      return reply(one.witness, page, { code });
    }
    const chooser = await next(one, page, { decision: "other" });
    want(/value="recovery"/.test(chooser.body), chooser);
    const form = await next(one, chooser, { method });
    want(/name="code"/.test(form.body) && form.status === 200, form);
    one.sent.set(method, code);
    return reply(one.witness, form, { code });
  }
  async function passOn(one: Trip, page: Visit): Promise<Visit> {
    want(page.handoff !== undefined, page);
    return open(one, page.handoff);
  }
  /** From the hand-off to the authorization code. */
  async function grant(one: Trip, page: Visit): Promise<string> {
    const end = await passOn(one, page);
    const code = new URL(end.location ?? end.url).searchParams.get("code");
    want(code !== null && end.status < 400, end);
    one.sent.set("code", code);
    return code;
  }
  /** From the hand-off to tokens, and what they are good for. */
  async function tokens(one: Trip, page: Visit): Promise<Record<string, string>> {
    const code = await grant(one, page);
    return use(one, await one.witness.api(() => oidc.redeem(code)));
  }
  async function use({ witness, sent }: Trip, answer: Answer): Promise<Record<string, string>> {
    want(answer.status === 200, answer);
    const got = JSON.parse(answer.body) as Record<string, string>;
    for (const [name, value] of Object.entries(got)) sent.set(name, value);
    const told = await userinfo(witness, got["access_token"] ?? "");
    want(told.status === 200, told);
    return got;
  }
  const userinfo = (witness: Witness, access: string): Promise<Answer> =>
    witness.api(() => fetch(at("/oidc/userinfo"), { headers: { authorization: `Bearer ${access}` } }));

  /** The account page is shown, or the way leads to the sign-in: nothing else is an answer. */
  async function isIn({ witness }: Trip): Promise<boolean> {
    const page = await witness.get(at("/account"));
    if (page.status === 200 && /Hello, <bdi>/.test(page.body)) return true;
    assert.match(new URL(page.location ?? at("/")).pathname, /^\/login\/account\//, `/account answered ${page.status}`);
    return false;
  }
  /** Whether a stranger who knows the password gets in with the same code. */
  async function isStolen(user: string, method: "totp" | "recovery", code: string): Promise<boolean> {
    const thief = trip(user);
    const page = await prove(thief, await password(thief, "/account"), method, code);
    for (const answer of thief.witness.answers) assertGraceful(answer);
    return page.location === at("/account");
  }
  /** A code that was sent is good once: for this browser, or for a thief, or for nobody any more. */
  async function goodOnce(one: Trip, method: "totp" | "recovery"): Promise<void> {
    const code = one.sent.get(method);
    if (code === undefined) return;
    const isSpent = (await isIn(one)) || (await isStolen(one.user, method, code));
    if (isSpent) assert.equal(await isStolen(one.user, method, code), false, "a code was good twice");
  }
  /** What the backend had stored at this person's last password. */
  function kept(user: string): { totp: string; codes: string } {
    const line = idp.log.findLast((one) => one.includes(`kept <${user}>`)) ?? "";
    const [, totp, codes] = /kept <[^>]*> <([^>]*)> <([^>]*)>/.exec(line) ?? [];
    assert.ok(totp !== undefined && codes !== undefined, `nothing is known of ${user}`);
    return { totp, codes };
  }
  const authorize = oidc.authorizeUrl("app");
  const code = (secret = SECRET): string => totpCode(secret, 0, now());
  return {
    oidc,
    open,
    land,
    next,
    password,
    prove,
    passOn,
    grant,
    tokens,
    use,
    userinfo,
    isIn,
    goodOnce,
    kept,
    authorize,
    code,
  };
}

export type Steps = ReturnType<typeof stepsAt>;
