import type { IncomingMessage, ServerResponse } from "node:http";
import type { AccountIdentity } from "./identity.ts";
import type { Level } from "./levels.ts";

/** A person signed in with this browser, for every application of every protocol. */
export interface BrowserSession {
  /** Stays the same while the session lives, whatever its cookie says. */
  readonly uid: string;
  readonly account: AccountIdentity;
  /** Seconds since the epoch of the last proof. */
  readonly authTime: number;
  readonly level: Level;
  readonly amr: readonly string[];
  /** Milliseconds since the epoch after which it is over whatever happens. */
  readonly endsAt: number;
}

export interface SignedIn {
  readonly account: AccountIdentity;
  readonly level: Level;
  readonly amr: readonly string[];
  /** Seconds since the epoch. */
  readonly authTime: number;
  readonly remember: boolean;
}

/** An OpenID Connect application of a session that ended, and whether it was told (back-channel logout). */
export interface EndedApplication {
  readonly name: string;
  readonly outcome: "told" | "failed" | "impossible";
}

export interface EndedSession {
  readonly account: AccountIdentity | undefined;
  readonly clients: readonly EndedApplication[];
}

/** The one browser session behind OpenID Connect, SAML and our own pages. Implemented where oidc-provider is. */
export interface BrowserSessions {
  /** The session of this request's cookie; `undefined` when nobody is signed in or it is over. */
  current(req: IncomingMessage, res: ServerResponse): Promise<BrowserSession | undefined>;
  /** Signs a person in: a new session id always; another person's session in this browser ends. */
  signIn(req: IncomingMessage, res: ServerResponse, who: SignedIn): Promise<void>;
  /** Ends a session for good, with the tokens that live by it, and tells its OpenID Connect applications. */
  end(uid: string): Promise<EndedSession>;
}
