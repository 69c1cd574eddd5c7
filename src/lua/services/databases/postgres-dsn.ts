import { CONNECT_TIMEOUT, grantOf, type Target } from "./connection.ts";

const SHAPES = `a DSN of postgres is such as postgres://user:password@host:5432/database or "host=… user=… password=… dbname=…"`;
const PAIR = /\s*([A-Za-z_.]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s'\\]|\\.)*))(?=\s|$)/gsy;
const TLS = { disable: "off", require: "unverified", "verify-ca": "chain", "verify-full": "full" } as const;
const READ = new Set(
  "client_encoding connect_timeout dbname fallback_application_name host password port sslmode sslrootcert user".split(
    " ",
  ),
);

/**
 * Reads a DSN as Go's PostgreSQL driver has it: a URL, or `key=value` pairs. TLS is required unless `sslmode` says otherwise. A key that
 * is not known is a setting of the session.
 * @throws Error that names what is wrong without repeating the DSN.
 */
export function parsePostgresDsn(dsn: string): Target {
  const values = /^postgres(?:ql)?:\/\//.test(dsn) ? fromUrl(dsn) : fromPairs(dsn);
  const at = (name: string, fallback: string): string => values.get(name) ?? fallback;
  const user = at("user", "");
  if (user === "") throw new Error("the DSN of postgres names no user");
  const database = at("dbname", user);
  const port = Number(at("port", "5432"));
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error("the port in the DSN must be a number");
  const host = at("host", "localhost").toLowerCase();
  // A folder; the host's case was only changed for names.
  const folder = at("host", "");
  const address = folder.startsWith("/") ? { path: `${folder}/.s.PGSQL.${port}` } : { host, port };
  for (const name of ["sslcert", "sslkey", "sslpassword", "passfile", "service"])
    if (values.has(name)) throw new Error(`the DSN option ${name} is refused; leave it out`);
  if (!["", "system"].includes(at("sslrootcert", "")))
    throw new Error("the DSN option sslrootcert is refused; authorities of your own are named in NODE_EXTRA_CA_CERTS");
  if (!/^utf-?8$/i.test(at("client_encoding", "UTF8"))) throw new Error("the DSN option client_encoding must be UTF8");
  const seconds = Number(at("connect_timeout", "0"));
  return {
    grant: grantOf("postgres", address, database),
    address,
    user,
    password: at("password", ""),
    database,
    connectTimeout: seconds > 0 ? Math.min(seconds, 60) * 1000 : CONNECT_TIMEOUT,
    tls: "path" in address ? "off" : tlsOf(at("sslmode", "require")),
    settings: [...values].filter(([name]) => !READ.has(name)),
  };
}

function tlsOf(mode: string): Target["tls"] {
  if (!Object.hasOwn(TLS, mode))
    throw new Error("the DSN option sslmode must be disable, require, verify-ca or verify-full");
  return TLS[mode as keyof typeof TLS];
}

/** A login needs a host behind it; the address of a socket stands in the query. */
function withHost(dsn: string): string {
  return dsn.replace(/^(\w+:\/\/[^/?#]*@)(?=[/?#]|$)/, "$1localhost");
}

function fromUrl(dsn: string): Map<string, string> {
  try {
    const { username, password, hostname, port, pathname, searchParams } = new URL(withHost(dsn));
    const login = { user: username, password, host: hostname.replace(/^\[|\]$/g, ""), port, dbname: pathname.slice(1) };
    const named = Object.entries(login).filter(([, value]) => value !== "");
    return new Map([...named.map(([name, value]) => [name, decodeURIComponent(value)] as const), ...searchParams]);
  } catch {
    throw new Error(SHAPES);
  }
}

function fromPairs(dsn: string): Map<string, string> {
  const pairs = [...dsn.matchAll(PAIR)];
  const length = pairs.reduce((sum, [pair]) => sum + pair.length, 0);
  if (pairs.length === 0 || dsn.slice(length).trim() !== "") throw new Error(SHAPES);
  return new Map(
    pairs.map(([, name = "", quoted, plain = ""]) => [name, (quoted ?? plain).replaceAll(/\\(.)/gs, "$1")]),
  );
}
