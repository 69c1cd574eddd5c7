import type { AccountBackend, FunctionName, RequestFields } from "../backend/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { Logger, LuaMetrics } from "../telemetry/index.ts";
import { type Backend, createLuaAccounts } from "./accounts.ts";
import type { LuaBackendOptions } from "./options.ts";
import { type CallOutcome, type PoolStatus, startPool } from "./pool.ts";
import type { HostServices } from "./services/port.ts";

export interface LuaBackends {
  readonly accounts: AccountBackend;
  /** Which of the contract's functions each backend's script defines. */
  functions(): ReadonlyMap<string, readonly FunctionName[]>;
  /** Every backend can be asked now. */
  readonly isUp: () => boolean;
  /** One call as it is, for the operator's `lua call`. */
  call(backend: string, fn: FunctionName, fields: RequestFields): Promise<CallOutcome>;
  /** Takes over scripts that changed on disk, when they can be used. */
  refresh(): Promise<void>;
  status(): readonly BackendStatus[];
  close(): Promise<void>;
}

/** A backend as it is now. */
export interface BackendStatus extends PoolStatus {
  readonly backend: string;
}

export interface LuaRuntimeDeps {
  readonly backends: readonly LuaBackendOptions[];
  /** Threads of each backend. */
  readonly workers: number;
  readonly services: HostServices;
  readonly logger: Logger;
  /** Absent: nobody counts. */
  readonly metrics?: LuaMetrics;
  readonly clock: Clock;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** Starts the Lua threads of each backend. @throws LuaScriptError with file and line for a script that cannot be used. */
export async function startLuaBackends(deps: LuaRuntimeDeps): Promise<LuaBackends> {
  const started: Backend[] = [];
  try {
    for (const options of deps.backends) started.push({ options, pool: await startPool({ ...deps, options }) });
  } catch (error) {
    await Promise.all(started.map(({ pool }) => pool.close()));
    throw error;
  }
  return {
    accounts: createLuaAccounts({ backends: started, logger: deps.logger }),
    functions: () => new Map(started.map(({ options, pool }) => [options.name, pool.functions()])),
    isUp: () => started.every(({ pool }) => pool.isUp()),
    call(name, fn, fields) {
      const backend = started.find(({ options }) => options.name === name);
      return backend === undefined
        ? Promise.resolve({ ok: false, by: "error", reason: `there is no backend ${name}` })
        : backend.pool.call(fn, fields);
    },
    async refresh() {
      await Promise.all(started.map(({ pool }) => pool.refresh()));
    },
    status: () => started.map(({ options, pool }) => ({ backend: options.name, ...pool.status() })),
    async close() {
      await Promise.all(started.map(({ pool }) => pool.close()));
      await deps.services.close();
    },
  };
}
