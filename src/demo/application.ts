// A small OpenID Connect application of its own process: it shows who signed in and what it was told, and signs out.
// It knows the provider only through the protocol; its own sessions live in memory and end with it.
import type { IncomingMessage, ServerResponse } from "node:http";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as oidc from "openid-client";
import { errorPage, identityPage, welcomePage } from "./application-pages.ts";
import { bodyOf, html, type Place, redirect, serveAt, sessionOf } from "./web.ts";

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

export interface DemoOptions extends Place {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** Address of the other demo application, to show that one sign-in serves both. */
  readonly other?: string;
}

const COOKIE = "demo_app";

/** Serves the demo application until the returned function is called. */
export async function serveDemoApplication(options: DemoOptions): Promise<() => Promise<void>> {
  const config = await discover(options);
  const sessions = new Map<string, DemoSession>();
  return serveAt(options, (req, res) =>
    answer({ req, res, config, options, sessions, session: sessionOf(COOKIE, sessions, req, res) }),
  );
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
  readonly sessions: Map<string, DemoSession>;
}

async function answer(exchange: Exchange): Promise<void> {
  const { req, res, options, session } = exchange;
  const url = new URL(req.url ?? "/", options.origin);
  if (req.method === "POST" && url.pathname === "/backchannel") return hearLogout(exchange);
  if (req.method !== "GET") return html(res, 405, errorPage("This page is only for reading."));
  switch (url.pathname) {
    case "/":
      return html(
        res,
        200,
        session.signedIn === undefined ? welcomePage(options.other) : identityPage(session.signedIn, options.other),
      );
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

/** OpenID Connect Back-Channel Logout 1.0 section 2.5 and 2.6: the provider says that a person left. */
async function hearLogout({ req, res, config, options, sessions }: Exchange): Promise<void> {
  const token = new URLSearchParams(await bodyOf(req)).get("logout_token") ?? "";
  const { issuer, jwks_uri: keys = "" } = config.serverMetadata();
  try {
    const { payload } = await jwtVerify(token, createRemoteJWKSet(new URL(keys)), {
      issuer,
      audience: options.clientId,
      typ: "logout+jwt",
    });
    const isLogout = typeof payload["events"] === "object" && payload["nonce"] === undefined;
    for (const session of sessions.values())
      if (isLogout && session.signedIn?.userinfo.sub === payload.sub) delete session.signedIn;
    res.writeHead(isLogout ? 200 : 400, { "Cache-Control": "no-store" }).end();
  } catch {
    res.writeHead(400, { "Cache-Control": "no-store" }).end();
  }
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
