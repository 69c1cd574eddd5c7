// Sign-ins with and without a second factor against one server: what the factor adds.
import { generateKeyPairSync, randomBytes, sign, verify } from "node:crypto";
import {
  type Authenticator,
  type CreationOptions,
  createAuthenticator,
  type RequestOptions,
} from "../support/authenticator.ts";
import { createVisitor, follow, type Visit, type Visitor } from "../support/browser.ts";
import { reply, totpCode } from "../support/factors.ts";
import { cpuPerOperation, type Gate, inFlight, median } from "./measure.ts";
import { authorizeUrl, OWN_PATHS, start } from "./server.ts";

const SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const IN_FLIGHT = 8;
const PER_ROUND = 12;
/** Milliseconds of CPU a second factor may add. */
const LIMIT = 1.5;

type Prove = (visitor: Visitor, page: Visit, username: string) => Promise<Visit>;

async function optionsOf(visitor: Visitor, page: Visit): Promise<CreationOptions & RequestOptions> {
  const answer = await visitor.post(`${page.url}/options`, { csrf: page.field("csrf") });
  return JSON.parse(answer.body) as CreationOptions & RequestOptions;
}

/** From the authorization request to the code. */
async function login(issuer: string, username: string, prove?: Prove): Promise<void> {
  const visitor = createVisitor();
  const authorize = authorizeUrl({ name: "Moonlatch", issuer, paths: OWN_PATHS });
  const page = await follow(visitor, await visitor.get(authorize), issuer);
  let answer = await reply(visitor, page, { username, password: "right" });
  if (prove !== undefined) answer = await prove(visitor, await follow(visitor, answer, issuer), username);
  const end = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", issuer).href), issuer);
  if (!end.location?.includes("code=")) throw new Error(`${username}: ${end.status} ${end.body.slice(0, 500)}`);
}

export async function benchMfa(rounds: number): Promise<readonly Gate[]> {
  const server = await start("Moonlatch", "factors.ts", OWN_PATHS);
  const { issuer } = server;
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
    for (let round = -3; round < rounds; round += 1)
      for (const way of ["none", "totp", "key"] as const) {
        const before = await server.cpu();
        await inFlight(ways[way], IN_FLIGHT, PER_ROUND);
        if (round >= 0) samples[way].push(((await server.cpu()) - before) / PER_ROUND);
      }
    const signature = await signatureCost();
    const gate = (what: string, way: "totp" | "key"): Gate => {
      const [without, with_] = [median(samples.none) / 1000, median(samples[way]) / 1000];
      const share = `${without.toFixed(1)} ms CPU without, ${with_.toFixed(1)} ms with it (${(with_ / without).toFixed(2)} times)`;
      const yardstick = `one ES256 verification ${signature.toFixed(0)} µs in the same run`;
      return { what, value: with_ - without, limit: LIMIT, detail: `ms more: ${share}; ${yardstick}` };
    };
    return [
      gate("an authenticator app's code (SQLite, its mark flushed)", "totp"),
      gate("a security key (SQLite, its challenge's end flushed)", "key"),
    ];
  } finally {
    server.stop();
  }
}

/** More people than requests in flight: sign-ins of one person wait for one another. */
async function keysOf(issuer: string): Promise<ReadonlyMap<string, Authenticator>> {
  const keys = new Map<string, Authenticator>();
  for (let index = 0; index < 2 * IN_FLIGHT; index += 1) {
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
