import type { LuaValue } from "../values.ts";
import type { LdapGrants } from "./ldap/index.ts";
import type { RedisGrants } from "./redis/index.ts";

/** What one backend may reach outside; a refusal names the missing grant. */
export interface Grants {
  /** `sqlite3:path` with an absolute path, `mysql:host:port/database`, `postgres:host:port/database`. */
  readonly databases: readonly string[];
  /** Absolute paths of files, and of folders with all that is below them. */
  readonly files: readonly string[];
  /** Names, addresses (both also with `:port`) and ranges that HTTP requests may go to. */
  readonly hosts?: readonly string[];
  /** Absolute path of more certificate authorities (PEM). */
  readonly ca_file?: string | undefined;
  /** Pools by name. */
  readonly redis?: RedisGrants;
  readonly ldap?: LdapGrants;
}

/** Host operations of scripts that need time or another thread. Rejections become `nil, message` in Lua. */
export interface HostServices {
  call(grants: Grants, op: string, args: readonly LuaValue[], signal: AbortSignal): Promise<LuaValue>;
  /** Answers whether running the operation again changes nothing. */
  isReadOnly(op: string, args: readonly LuaValue[]): boolean;
  close(): Promise<void>;
}
