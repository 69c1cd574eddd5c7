import type { BackendProtocol } from "../backend/index.ts";
import type { LdapGrants } from "./services/ldap/index.ts";
import type { RedisGrants } from "./services/redis/index.ts";

/** One configured backend; paths absolute, times in milliseconds, sizes in bytes. */
export interface LuaBackendOptions {
  readonly name: string;
  readonly script: string;
  /** Scripts that run in every thread when it starts. */
  readonly init: readonly string[];
  readonly package_path: readonly string[];
  readonly protocols: readonly BackendProtocol[];
  readonly limits: {
    /** From the moment a thread takes the call. */
    readonly call: number;
    /** How long a call may wait for a thread. */
    readonly queue_wait: number;
    readonly instructions: number;
    readonly memory: number;
    readonly cpu_time: number;
  };
  readonly allow: {
    readonly databases: readonly string[];
    readonly files: readonly string[];
    readonly hosts?: readonly string[];
    readonly ca_file?: string | undefined;
    readonly env: readonly string[];
    readonly redis?: RedisGrants;
    readonly ldap?: LdapGrants;
  };
}
