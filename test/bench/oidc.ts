// Token, introspection and the whole login, each against the provider and against raw oidc-provider on the same store.
import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createVisitor, follow } from "../support/browser.ts";
import { inFlight, type Measured } from "./measure.ts";
import { CLIENT } from "./servers/parts.ts";

const VERIFIER = "v".repeat(43);
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");
const AUTHORIZATION = `Basic ${Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString("base64")}`;

const IN_FLIGHT = 8;

interface Server {
  readonly name: string;
  readonly issuer: string;
  readonly paths: { readonly authorize: string; readonly token: string; readonly introspect: string };
  readonly process: ChildProcess;
}

type Tokens = { readonly access_token: string; readonly refresh_token: string };

async function start(name: string, file: string, paths: Server["paths"]): Promise<Server> {
  const child = fork(new URL(file, import.meta.url), { stdio: "inherit" });
  const [message] = (await once(child, "message")) as [{ issuer: string }];
  return { name, issuer: message.issuer, paths, process: child };
}

async function cpu(server: Server): Promise<number> {
  server.process.send("cpu");
  const [message] = (await once(server.process, "message")) as [{ cpu: number }];
  return message.cpu;
}

function post(server: Server, path: string, body: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(server.issuer + path, {
    method: "POST",
    headers: { authorization: AUTHORIZATION },
    body: new URLSearchParams(body),
  });
}

/** Authorization request, page, password, code, tokens: as a browser and an application do it. */
async function login(server: Server, extra: Readonly<Record<string, string>> = {}): Promise<Tokens> {
  const visitor = createVisitor();
  const query = new URLSearchParams({
    client_id: CLIENT.client_id,
    redirect_uri: CLIENT.redirect_uri,
    response_type: "code",
    scope: "openid profile email",
    code_challenge: CHALLENGE,
    code_challenge_method: "S256",
    ...extra,
  });
  let at = await visitor.get(`${server.issuer}${server.paths.authorize}?${query.toString()}`);
  at = await visitor.get(at.location ?? "");
  at = await visitor.post(at.url, { csrf: at.field("csrf"), username: "demo", password: "right" });
  at = await follow(
    visitor,
    await visitor.get(at.location ?? new URL(at.handoff ?? "", server.issuer).href),
    server.issuer,
  );
  if (at.status === 200) {
    at = await visitor.post(at.url, { csrf: at.field("csrf"), decision: "allow", "scope.offline_access": "on" });
    at = await visitor.get(new URL(at.handoff ?? "", server.issuer).href);
  }
  const code = new URL(at.location ?? "").searchParams.get("code") ?? "";
  return tokens(server, {
    grant_type: "authorization_code",
    code,
    redirect_uri: CLIENT.redirect_uri,
    code_verifier: VERIFIER,
  });
}

async function tokens(server: Server, body: Readonly<Record<string, string>>): Promise<Tokens> {
  const answer = await post(server, server.paths.token, body);
  if (answer.status !== 200) throw new Error(`${server.name}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Tokens;
}

/** Tokens that are refreshed one after the other, as many chains as requests in flight. */
async function refreshChains(server: Server, extra: Readonly<Record<string, string>>): Promise<() => Promise<void>> {
  const chains = await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => (await login(server, extra)).refresh_token),
  );
  return async () => {
    const token = chains.pop() ?? "";
    chains.push((await tokens(server, { grant_type: "refresh_token", refresh_token: token })).refresh_token);
  };
}

async function measure(
  servers: readonly Server[],
  rounds: number,
  total: number,
  operation: (server: Server) => () => Promise<unknown>,
): Promise<readonly Measured[]> {
  const samples = servers.map(({ name }) => ({ name, cpu: [] as number[] }));
  for (let round = -1; round < rounds; round += 1) {
    for (const [index, server] of servers.entries()) {
      const before = await cpu(server);
      await inFlight(operation(server), IN_FLIGHT, total);
      // The first round warms both up.
      if (round >= 0) samples[index]?.cpu.push(((await cpu(server)) - before) / total);
    }
  }
  return samples;
}

export interface OidcFigures {
  readonly token: readonly Measured[];
  readonly introspection: readonly Measured[];
  readonly login: readonly Measured[];
}

export async function benchOidc(rounds: number): Promise<OidcFigures> {
  const servers = await Promise.all([
    start("Moonlatch", "./servers/moonlatch.ts", {
      authorize: "/oidc/authorize",
      token: "/oidc/token",
      introspect: "/oidc/introspect",
    }),
    start("raw oidc-provider", "./servers/raw.ts", {
      authorize: "/auth",
      token: "/token",
      introspect: "/token/introspection",
    }),
  ]);
  const [own, raw] = servers;
  if (own === undefined || raw === undefined) throw new Error("two servers are compared");
  try {
    const access = new Map(
      await Promise.all(servers.map(async (server) => [server, (await login(server)).access_token] as const)),
    );
    const refresh = new Map([
      [own, await refreshChains(own, { scope: "openid profile email offline_access", prompt: "consent" })],
      [raw, await refreshChains(raw, {})],
    ]);
    const introspect = (server: Server) => async () => {
      const answer = await post(server, server.paths.introspect, { token: access.get(server) ?? "" });
      const { active } = (await answer.json()) as { active: boolean };
      if (!active) throw new Error(`${server.name}: not active`);
    };
    return {
      token: await measure(
        servers,
        rounds,
        500,
        (server) => refresh.get(server) ?? (() => Promise.reject(new Error("no chain"))),
      ),
      introspection: await measure(servers, rounds, 1_000, introspect),
      login: await measure(servers, rounds, 400, (server) => () => login(server)),
    };
  } finally {
    for (const server of servers) server.process.disconnect();
  }
}
