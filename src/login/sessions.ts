import type { IncomingMessage, ServerResponse } from "node:http";
import type { AccountIdentity } from "./identity.ts";
import type { Level } from "./levels.ts";
import type { Proofs } from "./proofs.ts";

/** A person signed in with this browser, for every application of every protocol. */
export interface BrowserSession {
  /** Stays the same while the session lives, whatever its cookie says. */
  readonly uid: string;
  readonly account: AccountIdentity;
  /** Seconds since the epoch of the last proof. */
  readonly authTime: number;
  readonly level: Level;
  readonly amr: readonly string[];
  readonly proofs: Proofs;
  /** The operator's second factor was skipped because the device is trusted. */
  readonly isTrusted: boolean;
  readonly remember: boolean;
  /** Milliseconds since the epoch after which it is over whatever happens. */
  readonly endsAt: number;
}

export interface SignedIn {
  readonly account: AccountIdentity;
  /** With a first factor among them they stand alone; a second factor alone adds to what the session has. */
  readonly proofs: Proofs;
  readonly remember: boolean;
  readonly isTrusted: boolean;
}

/** A session of a person, for the list of where they are signed in. */
export interface SessionEntry {
  readonly uid: string;
  readonly amr: readonly string[];
  readonly userAgent: string;
  readonly address: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly seen: number;
  /** Ids of the OpenID Connect clients it was used for. */
  readonly clients: readonly string[];
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
  /** All live sessions of a person, the latest first. */
  list(subject: string): Promise<readonly SessionEntry[]>;
  /** Ends a session for good, with the tokens that live by it, and tells its OpenID Connect applications. */
  end(uid: string): Promise<EndedSession>;
}
