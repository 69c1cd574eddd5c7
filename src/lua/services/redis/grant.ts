import type { Secret } from "../../../kernel/index.ts";
import { bytesOf, type LuaValue } from "../../values.ts";

/** A pool of `allow.redis`. */
export interface RedisGrant {
  readonly mode: "standalone" | "sentinel" | "cluster";
  /** `host:port` each; the sentinels themselves with `sentinel`. */
  readonly servers: readonly string[];
  /** The name the sentinels know the servers by. */
  readonly master?: string | undefined;
  readonly database: number;
  readonly username?: string | undefined;
  readonly password?: Secret | undefined;
  readonly sentinel_username?: string | undefined;
  readonly sentinel_password?: Secret | undefined;
  readonly tls: boolean;
  /** Certificates to trust instead of the system's, PEM; an absolute path. */
  readonly ca_file?: string | undefined;
  /** What `redis_encrypt` takes its key from. */
  readonly encryption_secret?: Secret | undefined;
}

export type RedisGrants = Readonly<Record<string, RedisGrant>>;

/** @throws Error naming the missing grant. */
export function grantedPool(grants: RedisGrants, name: string): RedisGrant {
  const grant = Object.hasOwn(grants, name) ? grants[name] : undefined;
  if (grant === undefined)
    throw new Error(`the Redis pool "${name}" is not granted; add it to allow.redis of this backend`);
  return grant;
}

/**
 * The granted pool that a script describes by itself. Its credentials are those of the grant: a script's own are not looked at.
 * @throws Error naming what no grant has.
 */
export function describedPool(grants: RedisGrants, mode: LuaValue | undefined, wanted: LuaValue | undefined): string {
  const { address, addresses, master_name, db, tls_enabled } = tableOf(wanted);
  const list = Array.isArray(addresses) ? (addresses as readonly LuaValue[]) : [];
  const servers = [address, ...list].map(bytesOf).filter((one) => one !== "");
  const fits = ([, grant]: readonly [string, RedisGrant]): boolean =>
    grant.mode === mode &&
    servers.length > 0 &&
    servers.every((server) => grant.servers.includes(server)) &&
    grant.database === Number(db ?? 0) &&
    grant.tls === Boolean(tls_enabled) &&
    (grant.mode !== "sentinel" || grant.master === master_name);
  const [name] = Object.entries(grants).find(fits) ?? [];
  if (name === undefined)
    throw new Error(
      `no pool of allow.redis of this backend has mode ${bytesOf(mode)}, servers ${servers.join(", ") || "(none)"}, ` +
        `database ${bytesOf(db ?? 0)} and TLS ${tls_enabled === true ? "on" : "off"}`,
    );
  return name;
}

function tableOf(value: LuaValue | undefined): Readonly<Record<string, LuaValue>> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, LuaValue>>)
    : {};
}
