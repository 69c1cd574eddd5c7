/** The structured log and the audit trail. Redaction lives here, so that no caller has to think of it. */
export { createAuditLog, openAuditFile } from "./audit.ts";
export { type ChainFault, createChainCheck } from "./audit-chain.ts";
export { createLogger } from "./logger.ts";
export { createMetrics, type LuaMetrics, type Metrics, withCounts } from "./metrics.ts";
export type { AuditEvent, AuditLog, LogFields, Logger } from "./port.ts";
export type { MetricChange, MetricKind, ScriptMetrics } from "./script-metrics.ts";
