import { isIP } from "node:net";
import { z } from "zod";
import { Secret } from "../kernel/index.ts";
import { ldapSchema, redisSchema } from "./allow-schema.ts";
import { clientSchema } from "./client-schema.ts";
import { grantedHost } from "./granted-host.ts";
import { mfaSchema, secretsSchema } from "./mfa-schema.ts";
import { samlSchema } from "./saml-schema.ts";
import { passwordThrottle } from "./throttle-schema.ts";
import { duration, size } from "./units.ts";

const httpUrl = z.url({ protocol: /^https?$/, error: "must be an http or https address" });
/** An address or a CIDR range. Names that a library might take (such as "loopback") would mean different things to different parts. */
const addressRange = z.string().refine((text) => {
  const [address = "", bits] = text.split("/");
  const width = isIP(address) === 6 ? 128 : 32;
  if (isIP(address) === 0 || text.split("/").length > 2) return false;
  return bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= width);
}, "must be an address or a range such as 10.0.0.0/8");
/** Whoever has it may read the numbers. */
const metricsToken = z
  .string()
  .min(16, "must have at least 16 characters")
  .transform((value) => new Secret(value));
/** Where people connect to; without `tls` a proxy in front has to speak it. */
const addressSchema = z.strictObject({
  host: z.string().min(1),
  port: z.number().int().min(0).max(65_535),
  tls: z.strictObject({ cert_file: z.string().min(1), key_file: z.string().min(1) }).optional(),
});
const claimName = z.string().min(1).max(128);

/** Host names in lower case, for the grant of an address is found by comparing. */
const SERVER_DATABASE = /^(?:mysql|postgres):(?:(?:[a-z0-9._-]+|\[[0-9a-f:.]+\]):\d{1,5}|unix\(\/[^()]+\))\/[^/]*$/;
const databaseGrant = z
  .string()
  .refine(
    (grant) => grant.startsWith("sqlite3:") || SERVER_DATABASE.test(grant),
    'must be such as "sqlite3:./accounts.db", "mysql:db.example.org:3306/accounts" or "postgres:unix(/run/postgresql/.s.PGSQL.5432)/accounts"; user and password stay in the script\'s DSN',
  );

const backendSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,31}$/, "must be lower-case letters, digits, - or _, and begin with a letter"),
  script: z.string().min(1),
  init: z.array(z.string().min(1)).default([]),
  package_path: z.array(z.string()).default([]),
  protocols: z
    .array(z.enum(["oidc", "saml", "idp"]))
    .min(1)
    .default(["oidc", "saml", "idp"]),
  limits: z
    .strictObject({
      call: duration.prefault("5s"),
      instructions: z.number().int().positive().default(20_000_000),
      memory: size.prefault("64MB"),
      /** Of the thread, not of the clock on the wall. */
      cpu_time: duration.prefault("500ms"),
      queue_wait: duration.prefault("5s"),
    })
    .prefault({}),
  allow: z
    .strictObject({
      databases: z.array(databaseGrant).default([]),
      files: z.array(z.string().min(1)).default([]),
      env: z.array(z.string()).default([]),
      hosts: z.array(grantedHost).default([]),
      ca_file: z.string().min(1).optional(),
      redis: redisSchema.default({}),
      ldap: ldapSchema.default({}),
    })
    .prefault({}),
});

const loginSchema = z.strictObject({
  session: z
    .strictObject({
      idle: duration.prefault("12h"),
      absolute: duration.prefault("7d"),
      remember: duration.prefault("30d"),
    })
    .prefault({}),
  attempt: duration.prefault("30m"),
  links: z
    .strictObject({
      forgot_password: httpUrl.optional(),
      change_password: httpUrl.optional(),
      help: httpUrl.optional(),
    })
    .prefault({}),
  throttle: passwordThrottle,
  show_backend_message: z.boolean().default(false),
});

/** Keys that sign tokens: how they take turns. */
const signingKeysSchema = z.strictObject({
  /** Absent: until `keys rotate`. */
  rotate: duration.optional(),
  /** How long a key is published before it signs. */
  publish: duration.prefault("1d"),
  /** How long it stays published after it signed the last time. */
  retire: duration.prefault("30d"),
});

const oidcSchema = z.strictObject({
  keys: signingKeysSchema.prefault({}),
  clients: z.array(clientSchema).default([]),
  clients_from: z.array(z.string()).default([]),
  claims: z
    .record(claimName, z.string())
    .default({})
    .transform(
      (claims): Record<string, string> => ({ email: "mail", name: "display_name", groups: "groups", ...claims }),
    ),
  scopes: z
    .record(
      z.string().regex(/^[\x21\x23-\x5b\x5d-\x7e]+$/, "must be a scope name without spaces"),
      z.strictObject({ claims: z.array(claimName), description: z.record(z.string(), z.string()).default({}) }),
    )
    .default({}),
  ttl: z
    .strictObject({
      code: duration.prefault("60s"),
      access_token: duration.prefault("1h"),
      id_token: duration.prefault("1h"),
      refresh_token: duration.prefault("30d"),
    })
    .prefault({}),
});

/** The whole configuration. Keys are spelled as in the YAML file; durations are milliseconds, sizes bytes. */
export const configSchema = z.strictObject({
  issuer: z.url({ protocol: /^https?$/, error: "must be an http or https address such as https://id.example.org" }),
  server: z.strictObject({
    listen: z.array(addressSchema).min(1),
    trusted_proxies: z.array(addressRange).default([]),
    /** At once; `per_address` counts an IPv6 /64 as one, and no trusted proxy. */
    connections: z
      .strictObject({
        total: z.number().int().positive().default(10_000),
        per_address: z.number().int().positive().default(500),
      })
      .prefault({}),
  }),
  outgoing: z.strictObject({ allow: z.array(z.string().min(1)).default([]) }).prefault({}),
  store: z.string().regex(/^(memory:|sqlite:.+)$/, 'must be "memory:" or "sqlite:<path>"'),
  lua: z.strictObject({
    backends: z.array(backendSchema).min(1),
    /** Threads of each backend. */
    workers: z.number().int().min(1).max(64).default(1),
  }),
  login: loginSchema.prefault({}),
  mfa: mfaSchema.prefault({}),
  secrets: secretsSchema.prefault({}),
  oidc: oidcSchema.prefault({}),
  /** Absent: SAML is off. */
  saml: samlSchema.optional(),
  ui: z
    .strictObject({
      product: z.string().min(1).max(64).default("Moonlatch"),
      logo: z.string().optional(),
      accent: z
        .string()
        .regex(/^#[0-9a-f]{6}$/i, 'must be a colour such as "#2f5bd0"')
        .default("#2f5bd0"),
      languages: z
        .array(z.enum(["en", "de"]))
        .min(1)
        .default(["en", "de"]),
    })
    .prefault({}),
  observability: z
    .strictObject({
      log: z
        .strictObject({
          level: z.enum(["debug", "info", "warn", "error"]).default("info"),
          format: z.enum(["json", "text"]).default("json"),
        })
        .prefault({}),
      audit: z.strictObject({ file: z.string().optional() }).prefault({}),
      /** Absent: `/metrics` is not there. */
      metrics: z.strictObject({ token: metricsToken }).optional(),
    })
    .prefault({}),
});

/** A checked configuration. */
export type Config = z.output<typeof configSchema>;
