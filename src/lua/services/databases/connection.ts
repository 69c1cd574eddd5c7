import type { LuaValue } from "../../values.ts";
import type { Parameter } from "../sql.ts";

/** What a statement came to. Column names and text are Lua's bytes. */
export interface Answer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly LuaValue[])[];
  readonly rows_affected: number;
  /** Null where the server has no such thing. */
  readonly last_insert_id: number | string | null;
}

/** The server ended the session, or the way to it is gone. Whether the statement was carried out is not known. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

/** One session at a database server. It runs one statement at a time. */
export interface Connection {
  /** False once it was lost, or its session is not what it was at first. */
  isReusable(): boolean;
  /** `values` undefined: sent as text. Rejects with the server's complaint, when the statement left a transaction open, and {@link ConnectionLost}. */
  run(sql: string, values: readonly Parameter[] | undefined): Promise<Answer>;
  /** Closes the session and tells the server to stop what it does for it. */
  cancel(): Promise<void>;
  close(): void;
}

/** Where and how to connect, read from a DSN. */
export interface Target {
  /** As it would be written in `allow.databases`. */
  readonly grant: string;
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string };
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Milliseconds until a server that does not answer counts as down. */
  readonly connectTimeout: number;
  readonly tls: "off" | "unverified" | "chain" | "full";
  /** Settings of the session, set before it is used. */
  readonly settings: readonly (readonly [name: string, value: string])[];
}

/** Milliseconds; below the time a call has by default, so that the script is told. */
export const CONNECT_TIMEOUT = 3_000;

export const OPEN_TRANSACTION =
  "a transaction cannot span several calls; every statement is one of its own (see the db module's documentation)";

/** The grant of an address, which is how it stands in `allow.databases`. */
export function grantOf(driver: string, address: Target["address"], database: string): string {
  if ("path" in address) return `${driver}:unix(${address.path})/${database}`;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `${driver}:${host}:${address.port}/${database}`;
}

/** Seconds since the epoch. `month` counts from 1. */
export function epochSeconds(year: number, month: number, day: number, seconds: number): number {
  return new Date(0).setUTCFullYear(year, month - 1, day) / 1000 + seconds;
}
