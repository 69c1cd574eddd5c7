// Sign-ins with and without a second factor against one server: what the factor adds.
import { type ChildProcess, fork } from "node:child_process";
import { createHash, generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import { once } from "node:events";
import {
  type Authenticator,
  type CreationOptions,
  createAuthenticator,
  type RequestOptions,
} from "../support/authenticator.ts";
import { createVisitor, follow, type Visit, type Visitor } from "../support/browser.ts";
import { reply, totpCode } from "../support/factors.ts";
import { cpuPerOperation, inFlight, type Measured } from "./measure.ts";
import { CLIENT } from "./servers/parts.ts";

const SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const CHALLENGE = createHash("sha256").update("v".repeat(43)).digest("base64url");
const IN_FLIGHT = 8;
const PER_ROUND = 160;

type Prove = (visitor: Visitor, page: Visit, username: string) => Promise<Visit>;

async function optionsOf(visitor: Visitor, page: Visit): Promise<CreationOptions & RequestOptions> {
  const answer = await visitor.post(`${page.url}/options`, { csrf: page.field("csrf") });
  return JSON.parse(answer.body) as CreationOptions & RequestOptions;
}

/** From the authorization request to the code. */
async function login(issuer: string, username: string, prove?: Prove): Promise<void> {
  const visitor = createVisitor();
  const query = new URLSearchParams({
    client_id: CLIENT.client_id,
    redirect_uri: CLIENT.redirect_uri,
    response_type: "code",
    scope: "openid profile email",
    code_challenge: CHALLENGE,
    code_challenge_method: "S256",
  });
  const page = await follow(visitor, await visitor.get(`${issuer}/oidc/authorize?${query.toString()}`), issuer);
  let answer = await reply(visitor, page, { username, password: "right" });
  if (prove !== undefined) answer = await prove(visitor, await follow(visitor, answer, issuer), username);
  const end = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", issuer).href), issuer);
  if (!end.location?.includes("code=")) throw new Error(`${username}: ${end.status} ${end.body.slice(0, 500)}`);
}

export interface MfaFigures {
  readonly totp: readonly Measured[];
  readonly key: readonly Measured[];
  /** Microseconds of one ES256 verification. */
  readonly signature: number;
}

export async function benchMfa(rounds: number): Promise<MfaFigures> {
  const child = fork(new URL("./servers/factors.ts", import.meta.url), { stdio: "inherit" });
  const [{ issuer }] = (await once(child, "message")) as [{ issuer: string }];
  try {
    const keys = await keysOf(issuer);
    const byKey: Prove = async (visitor, page, username) => {
      const answer = keys.get(username)?.assert(await optionsOf(visitor, page));
      return reply(visitor, page, { answer: JSON.stringify(answer) });
    };
    const byCode: Prove = (visitor, page) => reply(visitor, page, { code: totpCode(SECRET) });
    const samples = { none: [] as number[], totp: [] as number[], key: [] as number[] };
    let person = 0;
    const ways = {
      none: () => login(issuer, `p${(person += 1)}`),
      totp: () => login(issuer, `t${(person += 1)}`, byCode),
      key: () => login(issuer, `k${(person += 1) % keys.size}`, byKey),
    };
    for (let round = -1; round < rounds; round += 1)
      for (const way of ["none", "totp", "key"] as const) {
        const before = await cpu(child);
        await inFlight(ways[way], IN_FLIGHT, PER_ROUND);
        if (round >= 0) samples[way].push(((await cpu(child)) - before) / PER_ROUND);
      }
    const none = { name: "a password alone", cpu: samples.none };
    return {
      totp: [{ name: "totp", cpu: samples.totp }, none],
      key: [{ name: "key", cpu: samples.key }, none],
      signature: await signatureCost(),
    };
  } finally {
    child.disconnect();
  }
}

async function cpu(child: ChildProcess): Promise<number> {
  child.send("cpu");
  const [message] = (await once(child, "message")) as [{ cpu: number }];
  return message.cpu;
}

/** More people than requests in flight: sign-ins of one person wait for one another. */
async function keysOf(issuer: string): Promise<ReadonlyMap<string, Authenticator>> {
  const keys = new Map<string, Authenticator>();
  for (let index = 0; index < 4 * IN_FLIGHT; index += 1) {
    const username = `k${index}`;
    const visitor = createVisitor();
    const page = await follow(visitor, await visitor.get(`${issuer}/account`), issuer);
    await follow(visitor, await reply(visitor, page, { username, password: "right" }), issuer);
    const setup = await follow(visitor, await visitor.get(`${issuer}/account/methods/keys/new`), issuer);
    const key = createAuthenticator({ origin: issuer });
    await reply(visitor, setup, { answer: JSON.stringify(key.register(await optionsOf(visitor, setup))) });
    keys.set(username, key);
  }
  return keys;
}

function signatureCost(): Promise<number> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const data = randomBytes(69);
  const signature = sign("sha256", data, privateKey);
  const runs = 2_000;
  return cpuPerOperation(async () => {
    for (let run = 0; run < runs; run += 1) verify("sha256", data, publicKey, signature);
  }, runs);
}
