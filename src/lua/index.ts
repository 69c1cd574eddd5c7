/**
 * Runs the operator's Lua scripts and implements `AccountBackend` with them. Lua has threads of its own; databases and hashes are
 * services outside them. Nobody else imports fengari, and no fault of a script is ever an acceptance.
 */
export { type LuaBackends, startLuaBackends } from "./backends.ts";
export { inspectScript } from "./check.ts";
export { seedDemoAccounts } from "./demo-accounts.ts";
export { hashPassword } from "./hash-password.ts";
export { type Judged, type KitReport, runKit } from "./kit/index.ts";
export type { CallOutcome } from "./pool.ts";
export { createHostServices } from "./services/index.ts";
export { LuaScriptError } from "./thread.ts";
