import type { Secret } from "../kernel/index.ts";
import type { FunctionName } from "./contract.ts";

/** Which protocol is behind a step; `idp` when none is (account pages, commands). */
export type BackendProtocol = "oidc" | "saml" | "idp";

/** What is known about the request on whose behalf the backend is asked. Every field reaches every Lua function. */
export interface CallContext {
  readonly protocol: BackendProtocol;
  /** The validated OAuth client id when an OIDC application is behind the step, else "". Never together with `saml_entity_id`. */
  readonly oidc_cid: string;
  /** The validated SAML entity id when a service provider is behind the step, else "". */
  readonly saml_entity_id: string;
  readonly oidc_client_name: string;
  readonly redirect_uri: string;
  readonly requested_scopes: readonly string[];
  readonly grant_type: string;
  /** Correlates log lines: the reference id a person would see. Reaches Lua as `session`. */
  readonly session: string;
  readonly client_ip: string;
  readonly client_port: string;
  readonly user_agent: string;
  readonly local_ip: string;
  readonly local_port: string;
  /** The browser's request, when one is behind the call: JSON of {@link HttpRequestFacts}. Reaches `nauthilus_http_request` alone. */
  readonly http_request?: string;
}

/** A request without what proves who sent it: no `Cookie`, no `Authorization`, no body. Names of headers are in lower case. */
export interface HttpRequestFacts {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, readonly string[]>>;
  readonly headers: Readonly<Record<string, readonly string[]>>;
}

/** What of a call's context is said of an application, where none is behind the step: account pages and commands. */
export const NO_APPLICATION = {
  protocol: "idp",
  oidc_cid: "",
  saml_entity_id: "",
  oidc_client_name: "",
  redirect_uri: "",
  requested_scopes: [],
} as const satisfies Partial<CallContext>;

/** What a backend told about one account. */
export interface Account {
  /** The name the backend stores the account under. */
  readonly name: string;
  /** The configured name of the backend that found it; all later calls for the account go there. */
  readonly backend: string;
  readonly unique_user_id: string | undefined;
  readonly display_name: string | undefined;
  /** Attributes for claims. Those that hold factor secrets are already taken out. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  readonly groups: readonly string[];
  readonly group_dns: readonly string[];
  readonly totp_secret: Secret | undefined;
  readonly recovery_codes: readonly Secret[];
}

/** Why a backend gave no answer. `reference` is also in the log line that says what happened. */
export interface Unavailable {
  readonly code: "unavailable";
  readonly reason: string;
}

export type PasswordOutcome =
  | { readonly code: "accepted"; readonly account: Account }
  | {
      readonly code: "rejected";
      readonly message: string | undefined;
      readonly because: "wrong_password" | "not_found" | "denied";
    }
  | Unavailable;

export type LookupOutcome =
  | { readonly code: "found"; readonly account: Account }
  | { readonly code: "not_found" }
  | { readonly code: "denied"; readonly message: string | undefined }
  | Unavailable;

export type WriteOutcome =
  | { readonly code: "ok" }
  | { readonly code: "not_found" }
  | { readonly code: "denied" }
  | Unavailable;
export type ListOutcome =
  | { readonly code: "ok"; readonly values: readonly string[] }
  | { readonly code: "not_found" }
  | { readonly code: "denied" }
  | Unavailable;

/** Who a call is about, once an account is known. */
export interface AccountKey {
  readonly name: string;
  readonly backend: string;
  readonly unique_user_id: string | undefined;
}

/**
 * The accounts, wherever the operator keeps them. Implemented by the Lua runtime; nothing else knows that Lua exists.
 * No method throws for what a script did: every fault is `unavailable`, and nothing unexpected is ever an acceptance.
 */
export interface AccountBackend {
  /** Which functions of the contract the named backend has; none for a name nobody knows. */
  functions(backend: string): ReadonlySet<FunctionName>;
  /** `nauthilus_backend_verify_password` with `no_auth=false`, backends tried in order until one finds the user. */
  verifyPassword(username: string, password: Secret, context: CallContext): Promise<PasswordOutcome>;
  /** The same function with `no_auth=true`. With `backend`, only that one is asked. */
  lookup(username: string, context: CallContext, backend?: string): Promise<LookupOutcome>;
  listAccounts(context: CallContext): Promise<ListOutcome>;
  addTotp(account: AccountKey, secret: Secret, context: CallContext): Promise<WriteOutcome>;
  deleteTotp(account: AccountKey, context: CallContext): Promise<WriteOutcome>;
  addRecoveryCodes(account: AccountKey, codes: readonly Secret[], context: CallContext): Promise<WriteOutcome>;
  deleteRecoveryCodes(account: AccountKey, context: CallContext): Promise<WriteOutcome>;
  /** JSON strings, byte for byte as the script returned them. */
  webauthnCredentials(account: AccountKey, context: CallContext): Promise<ListOutcome>;
  saveWebauthnCredential(account: AccountKey, credential: string, context: CallContext): Promise<WriteOutcome>;
  deleteWebauthnCredential(account: AccountKey, credential: string, context: CallContext): Promise<WriteOutcome>;
  updateWebauthnCredential(
    account: AccountKey,
    before: string,
    after: string,
    context: CallContext,
  ): Promise<WriteOutcome>;
}
