/** The structured log and the audit trail. Redaction lives here, so that no caller has to think of it. */
export { createAuditLog, openAuditFile } from "./audit.ts";
export { createLogger } from "./logger.ts";
export type { AuditEvent, AuditLog, LogFields, Logger } from "./port.ts";
