import { z } from "zod";
import { Secret } from "../kernel/index.ts";
import { factorThrottle } from "./throttle-schema.ts";
import { duration } from "./units.ts";

/** 1: one factor, 2: two factors, 3: phishing-resistant. */
export const level = z.union([z.literal(1), z.literal(2), z.literal(3)], { error: "must be 1, 2 or 3" });
export const methods = z.array(z.enum(["webauthn", "totp", "recovery"])).min(1);

/** Second factors: what holds everywhere unless an application says otherwise. */
export const mfaSchema = z.strictObject({
  require_mfa: level.default(1),
  supported_mfa: methods.default(["webauthn", "totp", "recovery"]),
  totp: z
    .strictObject({ issuer: z.string().min(1).max(64).optional(), window: z.number().int().min(0).max(10).default(1) })
    .prefault({}),
  webauthn: z
    .strictObject({
      /** Default: the issuer's host. Passkeys are bound to it for ever. */
      rp_id: z.string().min(1).optional(),
      rp_name: z.string().min(1).max(64).optional(),
      /** More origins whose pages may use the passkeys; the issuer's is always one. */
      origins: z
        .array(z.url({ protocol: /^https?$/, error: "must be an origin such as https://id.example.org" }))
        .default([]),
      /** What becomes of a key whose counter did not grow: it may have been copied. */
      clone: z.enum(["refuse", "warn"]).default("refuse"),
    })
    .prefault({}),
  /** The level each method reaches together with a password; `passkey` by itself. */
  levels: z
    .strictObject({
      totp: level.default(2),
      recovery: level.default(2),
      webauthn: level.default(3),
      passkey: level.default(3),
    })
    .prefault({}),
  /** Absent: no device may skip the second step. */
  trusted_devices: z.strictObject({ lifetime: duration.prefault("30d") }).optional(),
  /** How long a proof is fresh enough to change sign-in methods by it. */
  fresh: duration.prefault("10m"),
  throttle: factorThrottle,
});

/** 32 random bytes: 64 hexadecimal digits, or base64. */
const sealingKey = z
  .string()
  .regex(
    /^(?:[0-9a-fA-F]{64}|[A-Za-z0-9+/_-]{43}=?)$/,
    "must be 32 random bytes in base64 or hexadecimal, such as `openssl rand -base64 32` prints",
  )
  .transform((value) => new Secret(value));

/** Keys that are not made and kept in the store. */
export const secretsSchema = z.strictObject({
  /** Seals TOTP secrets and hashes recovery codes before a script sees them. Absent: they are stored as they are. */
  sealing_key: sealingKey.optional(),
  /** Keys that were used before: what they sealed can still be read. */
  previous: z.array(z.strictObject({ sealing_key: sealingKey })).default([]),
});
