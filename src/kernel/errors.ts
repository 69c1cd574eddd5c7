/** How one kind of broken promise is answered on each surface. */
export interface ErrorEntry {
  /** HTTP status of the answer. */
  readonly status: number;
  /** OAuth 2.0 error code (RFC 6749 section 5.2) where an application sees the error. */
  readonly oauth: string;
  /** Which text the person gets: a key below `error.` in the catalogue. */
  readonly page: "request" | "server" | "unavailable" | "outofdate" | "cookies" | "notfound" | "method" | "toolarge";
  /** How loud the log line is. */
  readonly log: "debug" | "info" | "warn" | "error";
}

/** Every error that crosses a folder border. A test holds that each is thrown, documented and mapped. */
export const ERROR_CATALOG = {
  ATTEMPT_FOREIGN: { status: 403, oauth: "access_denied", page: "outofdate", log: "warn" },
  BACKEND_UNAVAILABLE: { status: 503, oauth: "temporarily_unavailable", page: "unavailable", log: "warn" },
  BODY_MALFORMED: { status: 400, oauth: "invalid_request", page: "request", log: "info" },
  BODY_TOO_LARGE: { status: 413, oauth: "invalid_request", page: "toolarge", log: "info" },
  COOKIES_MISSING: { status: 400, oauth: "invalid_request", page: "cookies", log: "info" },
  CROSS_SITE_POST: { status: 403, oauth: "invalid_request", page: "outofdate", log: "warn" },
  HOST_UNKNOWN: { status: 421, oauth: "invalid_request", page: "request", log: "warn" },
  INTERNAL: { status: 500, oauth: "server_error", page: "server", log: "error" },
  METHOD_NOT_ALLOWED: { status: 405, oauth: "invalid_request", page: "method", log: "info" },
  NOT_FOUND: { status: 404, oauth: "invalid_request", page: "notfound", log: "info" },
  REQUEST_REFUSED: { status: 400, oauth: "invalid_request", page: "request", log: "info" },
  SAML_MESSAGE_REFUSED: { status: 400, oauth: "invalid_request", page: "request", log: "warn" },
  STORE_UNAVAILABLE: { status: 503, oauth: "temporarily_unavailable", page: "unavailable", log: "error" },
} as const satisfies Readonly<Record<string, ErrorEntry>>;

export type ErrorCode = keyof typeof ERROR_CATALOG;

/** Facts for the operator's log. Never a secret, a token or a raw request value that could be one. */
export type ErrorFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/** The one error class that crosses folder borders. Its message is the code and never holds request data; details are facts. */
export class IdpError extends Error {
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;

  constructor(code: ErrorCode, facts: ErrorFacts = {}, options: { readonly cause?: unknown } = {}) {
    super(code, options);
    this.name = "IdpError";
    this.code = code;
    this.facts = facts;
  }

  /** How this error is answered on each surface. */
  get entry(): ErrorEntry {
    return ERROR_CATALOG[this.code];
  }
}
