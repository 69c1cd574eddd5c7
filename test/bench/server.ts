// A server in a process of its own, and what a browser and an application ask of it.
import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createVisitor, follow } from "../support/browser.ts";
import { CLIENT } from "./servers/parts.ts";

const VERIFIER = "v".repeat(43);
const CHALLENGE = createHash("sha256").update(VERIFIER).digest("base64url");
const AUTHORIZATION = `Basic ${Buffer.from(`${CLIENT.client_id}:${CLIENT.client_secret}`).toString("base64")}`;

export interface Paths {
  readonly authorize: string;
  readonly token: string;
  readonly introspect: string;
  readonly userinfo: string;
}

export const OWN_PATHS: Paths = {
  authorize: "/oidc/authorize",
  token: "/oidc/token",
  introspect: "/oidc/introspect",
  userinfo: "/oidc/userinfo",
};
export const RAW_PATHS: Paths = {
  authorize: "/auth",
  token: "/token",
  introspect: "/token/introspection",
  userinfo: "/me",
};

export interface Server {
  readonly name: string;
  readonly issuer: string;
  readonly paths: Paths;
  /** Microseconds of all threads since its start. */
  readonly cpu: () => Promise<number>;
  /** Megabytes that are this process's own (PSS). */
  readonly memory: () => number;
  /** Megabytes of the main thread's heap, after a collection where the server was started with `--expose-gc`. */
  readonly heap: () => Promise<number>;
  readonly stop: () => void;
}

/** @param more arguments of the server's program, and of Node. */
export async function start(
  name: string,
  file: string,
  paths: Paths,
  { args = [], execArgv = [] }: { readonly args?: readonly string[]; readonly execArgv?: readonly string[] } = {},
): Promise<Server> {
  const child: ChildProcess = fork(new URL(`./servers/${file}`, import.meta.url), args, {
    stdio: "inherit",
    execArgv: [...execArgv],
  });
  const [message] = (await once(child, "message")) as [{ issuer: string }];
  const ask = async (): Promise<{ cpu: number; heap: number }> => {
    child.send("now");
    const [answer] = (await once(child, "message")) as [{ cpu: number; heap: number }];
    return answer;
  };
  return {
    name,
    issuer: message.issuer,
    paths,
    cpu: async () => (await ask()).cpu,
    heap: async () => (await ask()).heap / 2 ** 20,
    memory: () => memoryOf(child.pid ?? 0),
    stop: () => child.disconnect(),
  };
}

/** Megabytes (PSS) of a process. */
export function memoryOf(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss: +(\d+) kB/m.exec(rollup)?.[1] ?? 0) / 1024;
}

export type Endpoint = Pick<Server, "name" | "issuer" | "paths">;
export type Tokens = { readonly access_token: string; readonly refresh_token: string };

export function post(server: Endpoint, path: string, body: Readonly<Record<string, string>>): Promise<Response> {
  return fetch(server.issuer + path, {
    method: "POST",
    headers: { authorization: AUTHORIZATION },
    body: new URLSearchParams(body),
  });
}

export function authorizeUrl(server: Endpoint, extra: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams({
    client_id: CLIENT.client_id,
    redirect_uri: CLIENT.redirect_uri,
    response_type: "code",
    scope: "openid profile email",
    code_challenge: CHALLENGE,
    code_challenge_method: "S256",
    ...extra,
  });
  return `${server.issuer}${server.paths.authorize}?${query.toString()}`;
}

/** The sign-in was answered with a temporary failure. */
export class BusyError extends Error {}

/** Authorization request, page, password, code, tokens: as a browser and an application do it. */
export async function login(
  server: Endpoint,
  username = "demo",
  extra: Readonly<Record<string, string>> = {},
): Promise<Tokens> {
  const visitor = createVisitor();
  let at = await visitor.get(authorizeUrl(server, extra));
  at = await visitor.get(at.location ?? "");
  at = await visitor.post(at.url, { csrf: at.field("csrf"), username, password: "right" });
  if (at.status === 503) throw new BusyError(`${server.name}: temporary failure`);
  if (at.location === undefined && at.handoff === undefined) throw new Error(`${server.name}: sign-in ${at.status}`);
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

/** Signs in so that a refresh token comes with it. */
export function loginOffline(server: Endpoint): Promise<Tokens> {
  const isOwn = server.paths === OWN_PATHS;
  return login(server, "demo", isOwn ? { scope: "openid profile email offline_access", prompt: "consent" } : {});
}

export async function tokens(server: Endpoint, body: Readonly<Record<string, string>>): Promise<Tokens> {
  const answer = await post(server, server.paths.token, body);
  if (answer.status !== 200) throw new Error(`${server.name}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Tokens;
}

/** Tokens that are refreshed one after the other, as many chains as requests in flight. */
export async function refreshChains(server: Endpoint, width: number): Promise<() => Promise<void>> {
  const chains: string[] = [];
  for (let count = 0; count < width; count += 1) chains.push((await loginOffline(server)).refresh_token);
  return async () => {
    const token = chains.pop() ?? "";
    chains.push((await tokens(server, { grant_type: "refresh_token", refresh_token: token })).refresh_token);
  };
}

export async function introspect(server: Endpoint, token: string): Promise<void> {
  const answer = await post(server, server.paths.introspect, { token });
  const { active } = (await answer.json()) as { active: boolean };
  if (!active) throw new Error(`${server.name}: not active`);
}

export async function userinfo(server: Endpoint, token: string): Promise<void> {
  const answer = await fetch(server.issuer + server.paths.userinfo, { headers: { authorization: `Bearer ${token}` } });
  const { email } = (await answer.json()) as { email?: string };
  if (email === undefined) throw new Error(`${server.name}: userinfo ${answer.status}`);
}

export async function discovery(server: Endpoint): Promise<void> {
  const answer = await fetch(`${server.issuer}/.well-known/openid-configuration`);
  const { issuer } = (await answer.json()) as { issuer: string };
  if (issuer !== server.issuer) throw new Error(`${server.name}: discovery ${answer.status}`);
}
