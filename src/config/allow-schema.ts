import { z } from "zod";
import { Secret } from "../kernel/index.ts";

const secret = z
  .string()
  .min(1, "must not be empty")
  .transform((value) => new Secret(value));
const server = z
  .string()
  .regex(/^(?:[^\s:/@[\]]+|\[[0-9a-fA-F:]+\]):\d{1,5}$/, "must be host:port, such as 127.0.0.1:6379");

/** The pools of `nauthilus_redis` by name. Credentials have keys of their own, so that no address ever holds one. */
export const redisSchema = z.record(
  z.string().min(1).max(64),
  z
    .strictObject({
      mode: z.enum(["standalone", "sentinel", "cluster"]).default("standalone"),
      servers: z.array(server).min(1),
      master: z.string().min(1).optional(),
      database: z.number().int().min(0).max(65_535).default(0),
      username: z.string().min(1).optional(),
      password: secret.optional(),
      sentinel_username: z.string().min(1).optional(),
      sentinel_password: secret.optional(),
      tls: z.boolean().default(false),
      ca_file: z.string().min(1).optional(),
      encryption_secret: z
        .string()
        .min(32, "must have at least 32 characters")
        .transform((value) => new Secret(value))
        .optional(),
    })
    .refine(({ mode, master }) => (mode === "sentinel") === (master !== undefined), {
      path: ["master"],
      error: "belongs to mode: sentinel and is needed there: the name the sentinels know the servers by",
    })
    .refine(({ mode, servers }) => mode !== "standalone" || servers.length === 1, {
      path: ["servers"],
      error: "must be a single server with mode: standalone",
    })
    .refine(({ mode, database }) => mode !== "cluster" || database === 0, {
      path: ["database"],
      error: "must be 0 with mode: cluster",
    })
    .refine(({ tls, ca_file }) => tls || ca_file === undefined, {
      path: ["ca_file"],
      error: "is only looked at with tls: true",
    }),
);

const LOOPBACK = /^ldap:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::|\/|$)/;

/** The pools of `nauthilus_ldap` by name. Passwords go over TLS, or stay on the machine. */
export const ldapSchema = z.record(
  z.string().min(1).max(64),
  z
    .strictObject({
      url: z
        .string()
        .regex(/^ldaps?:\/\/[^\s/@?#]+\/?$/, "must be ldap://host:port or ldaps://host:port, without anything else"),
      starttls: z.boolean().default(false),
      bind_dn: z.string().min(1).optional(),
      bind_password: secret.optional(),
      ca_file: z.string().min(1).optional(),
      connections: z.number().int().min(1).max(100).default(8),
    })
    .refine(({ url, starttls }) => url.startsWith("ldaps:") || starttls || LOOPBACK.test(url), {
      path: ["url"],
      error: "would send passwords in clear: take ldaps://, or starttls: true",
    })
    .refine(({ url, starttls }) => !(url.startsWith("ldaps:") && starttls), {
      path: ["starttls"],
      error: "belongs to ldap://; ldaps:// is TLS from the start",
    })
    .refine(({ bind_dn, bind_password }) => (bind_dn === undefined) === (bind_password === undefined), {
      path: ["bind_password"],
      error: "and bind_dn belong together",
    }),
);
