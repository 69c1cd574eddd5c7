/** Facts beside a log message. A `Secret` prints as `[secret]`. */
export type LogFields = Readonly<Record<string, unknown>>;

/** The structured log. Messages are constant sentences; what varies stands in the fields. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** The same log with `fields` on every line. */
  child(fields: LogFields): Logger;
}

/** One line of the audit trail: who did what, with which outcome. Never a secret. */
export interface AuditEvent {
  readonly event:
    | "sign_in"
    | "sign_in_refused"
    | "sign_out"
    | "application_refused"
    | "throttled"
    | "surge_began"
    | "surge_ended"
    | "consent_granted"
    | "consent_denied"
    | "saml_response"
    | "saml_status"
    | "factor_added"
    | "factor_removed"
    | "factor_renamed"
    | "factor_refused"
    | "factor_throttled"
    | "factors_reset"
    | "recovery_code_used"
    | "recovery_codes_created"
    | "recovery_codes_removed"
    | "key_clone_suspected"
    | "enrolment_code_created"
    | "enrolment_code_used"
    | "session_ended"
    | "access_revoked"
    | "device_trusted"
    | "device_forgotten";
  readonly account?: string;
  /** The name somebody typed, where a backend knows it. */
  readonly username?: string;
  /** What was typed where a name belongs, though nobody knows it: people type passwords there. Written as a hash, never as it is. */
  readonly typed?: string;
  readonly client_id?: string;
  readonly saml_entity_id?: string;
  readonly address?: string;
  readonly reason?: string;
  readonly reference?: string;
  readonly amr?: readonly string[];
  /** Which second factor it is about. */
  readonly factor?: string;
}

export interface AuditLog {
  record(event: AuditEvent): void;
}
