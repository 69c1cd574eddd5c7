import type { Request, Response } from "express";
import type { BackendProtocol, CallContext } from "../backend/index.ts";
import type { AccessRule } from "./access.ts";
import type { LoginOutcome, LoginState } from "./flow.ts";
import type { Demand } from "./plan.ts";

/** The request an attempt serves, as its protocol validated it. */
export interface SignInRequest {
  /** Names the attempt; unguessable, and only valid together with the browser's cookie for it. */
  readonly id: string;
  readonly protocol: BackendProtocol;
  /** What the backend is told about the application. */
  readonly application: Pick<
    CallContext,
    "protocol" | "oidc_cid" | "saml_entity_id" | "oidc_client_name" | "redirect_uri" | "requested_scopes"
  >;
  readonly rule: AccessRule;
  /** How strongly the person has to prove who they are. */
  readonly demand: Demand;
  /** The application's name as people know it. */
  readonly app: string | undefined;
  /** The person may stop without signing in; with an application always. */
  readonly isLeavable?: boolean;
  readonly details: ApplicationDetails;
  readonly uiLocales: string | undefined;
  /** Where the attempt begins. */
  readonly initial: LoginState;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** Facts about the application that the consent page shows. */
export interface ApplicationDetails {
  readonly host: string;
  readonly policyUri: string | undefined;
  readonly tosUri: string | undefined;
  readonly granted: readonly string[];
}

/**
 * One protocol's side of a sign-in. Implemented by `oidc` and `saml`, so that the steps below `/login/…` are the same
 * for both.
 */
export interface SignInGate {
  /** The path segment below `/login/` and the name in attempts. */
  readonly via: "oidc" | "saml" | "account";
  /** The request behind `id`; `expired` when it is unknown or over, `no_cookie` when this browser holds nothing that ties it to one. */
  open(req: Request, res: Response, id: string): Promise<SignInRequest | "expired" | "no_cookie">;
  /** Records the outcome; the local path (or a validated address of the application) the browser goes on to. */
  finish(req: Request, res: Response, request: SignInRequest, outcome: LoginOutcome): Promise<string>;
}
