// Token, introspection and the whole login, each against the provider and against raw oidc-provider on the same store.
import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createVisitor } from "../support/browser.ts";
import { inFlight, type Measured } from "./measure.ts";
import { CLIENT } from "./servers/parts.ts";

const VERIFIER = "v".repeat(43);
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");
const AUTHORIZATION = `Basic ${Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString("base64")}`;

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
async function login(server: Server): Promise<Tokens> {
  const visitor = createVisitor();
  const query = new URLSearchParams({
    client_id: CLIENT.client_id,
    redirect_uri: CLIENT.redirect_uri,
    response_type: "code",
    scope: "openid profile email offline_access",
    prompt: "consent login",
    code_challenge: CHALLENGE,
    code_challenge_method: "S256",
  });
  query.set("prompt", "login");
  query.set("scope", "openid profile email");
  let at = await visitor.get(`${server.issuer}${server.paths.authorize}?${query.toString()}`);
  at = await visitor.get(at.location ?? "");
  at = await visitor.post(at.url, { csrf: at.field("csrf"), username: "demo", password: "right" });
  at = await visitor.get(at.location ?? new URL(at.handoff ?? "", server.issuer).href);
  const code = new URL(at.location ?? "").searchParams.get("code") ?? "";
  const answer = await post(server, server.paths.token, {
    grant_type: "authorization_code",
    code,
    redirect_uri: CLIENT.redirect_uri,
    code_verifier: VERIFIER,
  });
  if (answer.status !== 200) throw new Error(`${server.name}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Tokens;
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
      await inFlight(operation(server), 8, total);
      // The first round warms both up.
      if (round >= 0) samples[index]?.cpu.push(((await cpu(server)) - before) / total);
    }
  }
  return samples;
}

export interface OidcFigures {
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
  try {
    const tokens = new Map(
      await Promise.all(servers.map(async (server) => [server.name, await login(server)] as const)),
    );
    const introspection = await measure(servers, rounds, 1_000, (server) => async () => {
      const answer = await post(server, server.paths.introspect, {
        token: tokens.get(server.name)?.access_token ?? "",
      });
      if (!((await answer.json()) as { active: boolean }).active) throw new Error(`${server.name}: not active`);
    });
    const whole = await measure(servers, rounds, 400, (server) => () => login(server));
    return { introspection, login: whole };
  } finally {
    for (const server of servers) server.process.disconnect();
  }
}
