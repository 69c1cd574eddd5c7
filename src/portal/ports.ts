import type { AccessRule, SignInRequest } from "../login/index.ts";

/** An application a person may be taken to. */
export interface LaunchableApp {
  readonly name: string;
  readonly href: string;
  readonly rule: AccessRule;
  /** What the backend is told when it is asked whether this person may. */
  readonly application: SignInRequest["application"];
}

/** An application that uses a person's account. */
export interface ConnectedApp {
  /** Names it in addresses of these pages. */
  readonly id: string;
  readonly name: string;
  /** What it may have; empty for a service provider, which gets what the operator set. */
  readonly scopes: readonly string[];
  /** Milliseconds since the epoch. */
  readonly since: number | undefined;
  readonly isRevocable: boolean;
}

/** The applications of every protocol, as the account pages need them. Put together in the composition root. */
export interface Applications {
  launchable(): readonly LaunchableApp[];
  connected(subject: string): Promise<readonly ConnectedApp[]>;
  /** Takes the access away, with every token; the application's name, or `undefined` when there is none. */
  revoke(subject: string, id: string): Promise<string | undefined>;
  /** The name people know a client or service provider by; "" for neither. */
  nameOf(clientId: string, entityId: string): string;
}
