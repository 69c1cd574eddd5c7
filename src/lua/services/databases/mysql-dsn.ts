import { isIP } from "node:net";
import { parseGo } from "../../go-time.ts";
import { CONNECT_TIMEOUT, grantOf, type Target } from "./connection.ts";

/** What a DSN of MySQL says beyond address and login. */
export interface MysqlTarget extends Target {
  /** DATE, DATETIME and TIMESTAMP are seconds since the epoch and not text. */
  readonly parseTime: boolean;
  /** The time zone of those texts. */
  readonly zone: string;
  /** `rows_affected` counts the rows that were found, not those that were changed. */
  readonly foundRows: boolean;
}

const SHAPE =
  /^(?:(?<login>.*)@)?(?<net>[^@(/]*)(?:\((?<address>[^()]*)\))?\/(?<database>[^/?]*)(?:\?(?<options>.*))?$/s;
/** What Go's driver has and what makes no difference here. */
const WITHOUT_EFFECT = new Set(
  `allowNativePasswords checkConnLiveness columnsWithAlias compress connectionAttributes interpolateParams maxAllowedPacket
   readTimeout rejectReadOnly writeTimeout`.split(/\s+/),
);
const REFUSED = new Set(
  "allowAllFiles allowCleartextPasswords allowFallbackToPlaintext allowOldPasswords multiStatements serverPubKey".split(
    " ",
  ),
);
const TLS = { false: "off", true: "full", "skip-verify": "unverified" } as const;
const UNITS = { ms: 1, s: 1_000, m: 60_000 } as const;

/**
 * Reads a DSN as Go's MySQL driver has it: `user:password@tcp(host:3306)/database?parseTime=true`. An option that is not known is a
 * system variable of the session.
 * @throws Error that names what is wrong without repeating the DSN.
 */
export function parseMysqlDsn(dsn: string): MysqlTarget {
  const parts = SHAPE.exec(dsn)?.groups;
  if (parts === undefined) throw new Error("a DSN of mysql is such as user:password@tcp(host:3306)/database");
  const { login = "", net = "", address: at, database: name = "", options: text = "" } = parts;
  const [user = "", ...password] = login.split(":");
  const address = addressOf(net, at);
  const database = decoded(name);
  const options = new URLSearchParams(text);
  return {
    grant: grantOf("mysql", address, database),
    address,
    user,
    password: password.join(":"),
    database,
    connectTimeout: durationOf(options.get("timeout")),
    tls: tlsOf(options.get("tls") ?? "false", address),
    settings: [...options].flatMap(([option, value]) => settingOf(option, value)),
    parseTime: isTrue(options, "parseTime"),
    zone: zoneOf(options.get("loc") ?? "UTC"),
    foundRows: isTrue(options, "clientFoundRows"),
  };
}

/** What an option sets in the session, if it does. */
function settingOf(name: string, value: string): readonly [string, string][] {
  if (REFUSED.has(name) && value !== "false" && value !== "0")
    throw new Error(`the DSN option ${name} is refused; leave it out`);
  if (name === "charset" && !/^utf8(?:mb4)?(?:,|$)/.test(value))
    throw new Error("the DSN option charset must be utf8mb4");
  if (READ.has(name) || WITHOUT_EFFECT.has(name) || REFUSED.has(name)) return [];
  if (!/^[a-z_]{1,64}$/.test(name)) throw new Error("the DSN has an option that is not known");
  return [[name === "collation" ? "collation_connection" : name, value]];
}

function zoneOf(name: string): string {
  if (name === "Local") return new Intl.DateTimeFormat().resolvedOptions().timeZone;
  try {
    parseGo("2006-01-02", "2006-01-02", name);
    return name;
  } catch {
    throw new Error("the DSN option loc must be a time zone such as UTC or Europe/Berlin");
  }
}

const READ = new Set(["charset", "clientFoundRows", "loc", "parseTime", "timeout", "tls"]);

function addressOf(net: string, address: string | undefined): Target["address"] {
  if (net === "unix") return { path: address ?? "/tmp/mysql.sock" };
  if (net !== "tcp" && net !== "") throw new Error("a DSN of mysql is reached by tcp(host:port) or unix(/path)");
  const parts = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(address ?? "127.0.0.1");
  if (parts === null) throw new Error("the address in the DSN must be host:port");
  return { host: (parts[1] ?? parts[2] ?? "").toLowerCase(), port: Number(parts[3] ?? 3306) };
}

function tlsOf(value: string, address: Target["address"]): Target["tls"] {
  if (!Object.hasOwn(TLS, value)) throw new Error("the DSN option tls must be true, skip-verify or false");
  const tls = TLS[value as keyof typeof TLS];
  if ("path" in address) return "off";
  // The package would compare the certificate with "localhost".
  if (tls === "full" && isIP(address.host) !== 0)
    throw new Error("tls=true needs the name in the DSN that the certificate has, not an address");
  return tls;
}

function isTrue(options: URLSearchParams, name: string): boolean {
  return ["true", "1"].includes(options.get(name)?.toLowerCase() ?? "");
}

function durationOf(text: string | null): number {
  if (text === null) return CONNECT_TIMEOUT;
  const [, count, unit] = /^(\d{1,6}(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  if (unit === undefined) throw new Error("the DSN option timeout must be such as 500ms or 3s");
  return Math.max(1, Math.min(Number(count) * UNITS[unit as keyof typeof UNITS], 60_000));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
