import type { LuaValue } from "../values.ts";

/** What one backend may reach outside; a refusal names the missing grant. */
export interface Grants {
  /** `driver:address`, paths absolute. */
  readonly databases: readonly string[];
  /** Absolute paths of files, and of folders with all that is below them. */
  readonly files: readonly string[];
}

/** Host operations of scripts that need time or another thread. Rejections become `nil, message` in Lua. */
export interface HostServices {
  call(grants: Grants, op: string, args: readonly LuaValue[], signal: AbortSignal): Promise<LuaValue>;
  /** Answers whether running the operation again changes nothing. */
  isReadOnly(op: string, args: readonly LuaValue[]): boolean;
  close(): Promise<void>;
}
