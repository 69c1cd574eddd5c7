// A small OpenID Connect application of its own process: it shows who signed in and what it was told, and signs out.
// It knows the provider only through the protocol; its own sessions live in memory and end with it.
import { randomBytes } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import * as oidc from "openid-client";
import { errorPage, identityPage, welcomePage } from "./application-pages.ts";

interface Pending {
  readonly verifier: string;
  readonly state: string;
  readonly nonce: string;
}

interface SignedIn {
  readonly tokens: oidc.TokenEndpointResponse & oidc.TokenEndpointResponseHelpers;
  readonly userinfo: oidc.UserInfoResponse;
}

interface DemoSession {
  pending?: Pending;
  signedIn?: SignedIn;
}

export interface DemoOptions {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** The application's own origin. */
  readonly origin: string;
  readonly host: string;
  readonly port: number;
}

const COOKIE = "demo_app";
const MAX_SESSIONS = 1_000;

/** Serves the demo application until the returned function is called. */
export async function serveDemoApplication(options: DemoOptions): Promise<() => Promise<void>> {
  const config = await discover(options);
  const sessions = new Map<string, DemoSession>();
  const server = createServer((req, res) => {
    answer({ req, res, config, options, session: sessionOf(req, res, sessions) }).catch((error: unknown) => {
      process.stderr.write(`demo application: ${error instanceof Error ? error.message : "failed"}\n`);
      html(res, 500, errorPage("The sign-in could not be completed."));
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(options.port, options.host, resolve);
  });
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
}

async function discover({ issuer, clientId, clientSecret }: DemoOptions): Promise<oidc.Configuration> {
  return oidc.discovery(new URL(issuer), clientId, undefined, oidc.ClientSecretBasic(clientSecret), {
    // The demo lives on loopback; a real application leaves this out.
    execute: [oidc.allowInsecureRequests],
  });
}

interface Exchange {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly config: oidc.Configuration;
  readonly options: DemoOptions;
  readonly session: DemoSession;
}

async function answer(exchange: Exchange): Promise<void> {
  const { req, res, options, session } = exchange;
  const url = new URL(req.url ?? "/", options.origin);
  if (req.method !== "GET") return html(res, 405, errorPage("This page is only for reading."));
  switch (url.pathname) {
    case "/":
      return html(res, 200, session.signedIn === undefined ? welcomePage() : identityPage(session.signedIn));
    case "/login":
      return begin(exchange);
    case "/callback":
      return complete(exchange, url);
    case "/refresh":
      return refresh(exchange);
    case "/logout":
      return signOut(exchange);
    default:
      return html(res, 404, errorPage("There is no page here."));
  }
}

async function begin({ res, config, options, session }: Exchange): Promise<void> {
  const pending = { verifier: oidc.randomPKCECodeVerifier(), state: oidc.randomState(), nonce: oidc.randomNonce() };
  session.pending = pending;
  const to = oidc.buildAuthorizationUrl(config, {
    redirect_uri: `${options.origin}/callback`,
    scope: "openid profile email groups offline_access",
    code_challenge: await oidc.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: "S256",
    state: pending.state,
    nonce: pending.nonce,
    // OpenID Connect Core section 11: offline_access needs the person's consent to be asked for.
    prompt: "consent",
  });
  redirect(res, to.href);
}

async function complete({ res, config, session }: Exchange, url: URL): Promise<void> {
  const { pending } = session;
  delete session.pending;
  if (pending === undefined) return redirect(res, "/");
  if (url.searchParams.get("error") === "access_denied") return html(res, 200, errorPage("The sign-in was cancelled."));
  const tokens = await oidc.authorizationCodeGrant(config, url, {
    pkceCodeVerifier: pending.verifier,
    expectedState: pending.state,
    expectedNonce: pending.nonce,
    idTokenExpected: true,
  });
  const subject = tokens.claims()?.sub ?? "";
  session.signedIn = { tokens, userinfo: await oidc.fetchUserInfo(config, tokens.access_token, subject) };
  redirect(res, "/");
}

async function refresh({ res, config, session }: Exchange): Promise<void> {
  const token = session.signedIn?.tokens.refresh_token;
  if (session.signedIn === undefined || token === undefined) return redirect(res, "/");
  try {
    const tokens = await oidc.refreshTokenGrant(config, token);
    session.signedIn = {
      tokens,
      userinfo: await oidc.fetchUserInfo(config, tokens.access_token, session.signedIn.userinfo.sub),
    };
  } catch {
    delete session.signedIn;
  }
  redirect(res, "/");
}

function signOut({ res, config, options, session }: Exchange): void {
  const hint = session.signedIn?.tokens.id_token;
  delete session.signedIn;
  const to = oidc.buildEndSessionUrl(config, {
    post_logout_redirect_uri: `${options.origin}/`,
    ...(hint === undefined ? {} : { id_token_hint: hint }),
  });
  redirect(res, to.href);
}

function sessionOf(req: IncomingMessage, res: ServerResponse, sessions: Map<string, DemoSession>): DemoSession {
  const sent = new RegExp(`(?:^|; )${COOKIE}=([\\w-]{43})(?:;|$)`).exec(req.headers.cookie ?? "")?.[1];
  const known = sent === undefined ? undefined : sessions.get(sent);
  if (known !== undefined) return known;
  const id = randomBytes(32).toString("base64url");
  const session: DemoSession = {};
  if (sessions.size >= MAX_SESSIONS) sessions.clear();
  sessions.set(id, session);
  res.setHeader("Set-Cookie", `${COOKIE}=${id}; HttpOnly; SameSite=Lax; Path=/`);
  return session;
}

function redirect(res: ServerResponse, to: string): void {
  res.writeHead(303, { Location: to, "Cache-Control": "no-store" }).end();
}

function html(res: ServerResponse, status: number, body: string): void {
  res
    .writeHead(status, {
      "Content-Type": "text/html; charset=utf-8",
      "Cache-Control": "no-store",
      "Content-Security-Policy":
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    })
    .end(body);
}
