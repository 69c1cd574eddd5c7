/** What a backend function returns beside its result code. */
export type ReturnKind = "result" | "strings" | "code";

export interface FunctionSpec {
  readonly returns: ReturnKind;
  /** Request fields this function gets filled besides the ones every function gets. */
  readonly fields: readonly string[];
  /** A second run of the same call changes nothing. */
  readonly reads: boolean;
}

/** The ten functions of the documented backend contract. */
export const BACKEND_FUNCTIONS = {
  nauthilus_backend_verify_password: { returns: "result", fields: ["password", "no_auth"], reads: true },
  nauthilus_backend_list_accounts: { returns: "strings", fields: [], reads: true },
  nauthilus_backend_add_totp: { returns: "code", fields: ["totp_secret"], reads: false },
  nauthilus_backend_delete_totp: { returns: "code", fields: [], reads: false },
  nauthilus_backend_add_totp_recovery_codes: { returns: "code", fields: ["totp_recovery_codes"], reads: false },
  nauthilus_backend_delete_totp_recovery_codes: { returns: "code", fields: [], reads: false },
  nauthilus_backend_get_webauthn_credentials: { returns: "strings", fields: [], reads: true },
  nauthilus_backend_save_webauthn_credential: { returns: "code", fields: ["webauthn_credential"], reads: false },
  nauthilus_backend_delete_webauthn_credential: { returns: "code", fields: ["webauthn_credential"], reads: false },
  nauthilus_backend_update_webauthn_credential: {
    returns: "code",
    fields: ["webauthn_old_credential", "webauthn_credential"],
    reads: false,
  },
} as const satisfies Readonly<Record<`nauthilus_backend_${string}`, FunctionSpec>>;

export type FunctionName = keyof typeof BACKEND_FUNCTIONS;

/** Result codes of the contract; FAIL is the older name of ERROR. */
export const RESULT_CODES = { OK: 0, ERROR: 1, NOT_FOUND: 2, DENIED: 3 } as const;

export type FieldValue = string | boolean | number | readonly string[];
export type RequestFields = Readonly<Record<string, FieldValue>>;

const text = (...names: readonly string[]): RequestFields => Object.fromEntries(names.map((name) => [name, ""]));

/** Every field a script may read, with the value it has when nothing is known: no field is ever nil. */
export const REQUEST_DEFAULTS: RequestFields = {
  debug: false,
  no_auth: false,
  repeating: false,
  rwp: false,
  user_found: false,
  authenticated: false,
  brute_force_counter: 0,
  health_check: false,
  auth_login_attempt: 0,
  environment_rejected: false,
  environment_stage_expected: false,
  subject_stage_expected: false,
  service: "idp",
  http_status: 0,
  latency: 0,
  mfa_completed: false,
  log_format: "json",
  log_level: "info",
  requested_scopes: [],
  user_groups: [],
  allowed_client_scopes: [],
  allowed_client_grant_types: [],
  totp_recovery_codes: [],
  ...text(
    "session",
    "external_session",
    "client_ip",
    "client_port",
    "client_net",
    "client_hostname",
    "client_id",
    "user_agent",
    "local_ip",
    "local_port",
    "environment",
    "feature",
  ),
  ...text(
    "username",
    "account",
    "account_field",
    "unique_user_id",
    "display_name",
    "password",
    "protocol",
    "method",
    "oidc_cid",
    "saml_entity_id",
  ),
  ...text(
    "grant_type",
    "oidc_client_name",
    "redirect_uri",
    "mfa_method",
    "totp_secret",
    "webauthn_credential",
    "webauthn_old_credential",
  ),
  ...text(
    "ssl",
    "ssl_session_id",
    "ssl_client_verify",
    "ssl_client_dn",
    "ssl_client_cn",
    "ssl_issuer",
    "ssl_client_not_before",
    "ssl_client_not_after",
  ),
  ...text(
    "ssl_subject_dn",
    "ssl_issuer_dn",
    "ssl_client_subject_dn",
    "ssl_client_issuer_dn",
    "ssl_protocol",
    "ssl_cipher",
    "ssl_serial",
    "ssl_fingerprint",
  ),
  ...text("brute_force_bucket", "redis_prefix"),
};
