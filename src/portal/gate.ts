import type { Request, Response } from "express";
import { NO_APPLICATION } from "../backend/index.ts";
import type { Config } from "../config/index.ts";
import type { Csrf } from "../http/index.ts";
import type { Clock, Random } from "../kernel/index.ts";
import type { BrowserSession, BrowserSessions, LoginState, SignInGate, SignInRequest } from "../login/index.ts";
import type { Store } from "../store/index.ts";

export interface PortalGateDeps {
  readonly sessions: BrowserSessions;
  readonly csrf: Csrf;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  readonly isSecure: boolean;
  /** Milliseconds a sign-in may take. */
  readonly lifetime: number;
  readonly mfa: Pick<Config["mfa"], "require_mfa" | "supported_mfa" | "fresh">;
}

export interface PortalGate extends SignInGate {
  /**
   * Begins a sign-in, or a fresh proof by a person who is signed in; the address of its first step.
   * @param returnTo a path of the account pages.
   */
  begin(res: Response, returnTo: string, session: BrowserSession | undefined): Promise<string>;
}

const KIND = "portal.request";

interface PortalRequest {
  readonly returnTo: string;
  /** Who has to prove that it is still them; `undefined`: nobody is signed in. */
  readonly subject: string | undefined;
  readonly startedAt: number;
}

/** The account pages' own side of a sign-in: no application is behind it. */
export function createPortalGate(deps: PortalGateDeps): PortalGate {
  const { sessions, csrf, store, clock, random, isSecure, lifetime } = deps;
  const cookie = isSecure ? "__Secure-moonlatch_account" : "moonlatch_account";
  const find = async (id: string) => (await store.get(KIND, id))?.value as unknown as PortalRequest | undefined;
  return {
    via: "account",
    async begin(res, returnTo, session) {
      const id = random.id();
      const request: PortalRequest = { returnTo, subject: session?.account.subject, startedAt: clock.now() };
      await store.put(KIND, id, { ...request }, { expiresAt: clock.now() + lifetime });
      const path = `/login/account/${id}`;
      res.cookie(cookie, csrf.tokenFor(`account ${id}`), {
        httpOnly: true,
        sameSite: "lax",
        secure: isSecure,
        path,
        maxAge: lifetime,
      });
      return path;
    },
    async open(req, res, id) {
      const sent = cookieOf(req, cookie);
      if (sent === undefined) return "no_cookie";
      const request = csrf.verify(`account ${id}`, sent) ? await find(id) : undefined;
      if (request === undefined) return "expired";
      const session = await sessions.current(req, res);
      const known = session?.account.subject === request.subject ? session : undefined;
      return signInRequest(id, request, known, deps);
    },
    async finish(req, res, { id }, outcome) {
      const request = await find(id);
      await store.delete(KIND, id);
      const away = request?.subject === undefined ? "/" : "/account";
      if (outcome.kind !== "signed_in" || request === undefined) return away;
      await sessions.signIn(req, res, outcome);
      const isSame = request.subject === undefined || request.subject === outcome.account.subject;
      return isSame ? request.returnTo : "/account";
    },
  };
}

function signInRequest(
  id: string,
  request: PortalRequest,
  session: BrowserSession | undefined,
  { mfa, lifetime, clock }: PortalGateDeps,
): SignInRequest {
  const policy = { methods: mfa.supported_mfa, essential: 1, wish: 1 } as const;
  return {
    id,
    protocol: "idp",
    application: NO_APPLICATION,
    rule: { allow_groups: [] },
    // Whoever changes how they sign in proves it by what they have, on a trusted device, too.
    demand:
      session === undefined
        ? { ...policy, policy: mfa.require_mfa, allowTrust: true }
        : { ...policy, policy: 1, allowTrust: false },
    app: undefined,
    isLeavable: session !== undefined,
    details: { host: "", policyUri: undefined, tosUri: undefined, granted: [] },
    uiLocales: undefined,
    initial:
      session === undefined
        ? { at: "identify", username: "", fixed: false }
        : proveAgain(session, mfa.fresh, clock.now()),
    expiresAt: request.startedAt + lifetime,
  };
}

/** Only what was proven a moment ago counts. */
function proveAgain({ account, proofs, remember }: BrowserSession, fresh: number, now: number): LoginState {
  const recent = proofs.filter(({ at }) => now - at * 1000 <= fresh);
  return { at: "more", account, proofs: recent, remember };
}

function cookieOf(req: Request, name: string): string | undefined {
  const pair = (req.headers.cookie ?? "").split("; ").find((one) => one.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}
