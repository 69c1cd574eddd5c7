import { createGuardrails, generateSecret, generateURI, verifySync } from "otplib";
import { Secret } from "../kernel/index.ts";

/** The parameters of an authenticator app's codes (RFC 6238). */
export interface TotpKey {
  /** Base32 without padding. */
  readonly secret: Secret;
  readonly algorithm: "sha1" | "sha256" | "sha512";
  readonly digits: 6 | 7 | 8;
  /** Seconds. */
  readonly period: number;
}

/** Bits a stored secret has at least: other systems made secrets of 80 bits. Ours have 160 (RFC 4226 section 4). */
const GUARDRAILS = createGuardrails({ MIN_SECRET_BYTES: 10 });
const ALGORITHMS: ReadonlyMap<string, TotpKey["algorithm"]> = new Map([
  ["SHA1", "sha1"],
  ["SHA256", "sha256"],
  ["SHA512", "sha512"],
]);

export function newTotpSecret(): Secret {
  return new Secret(generateSecret({ length: 20 }));
}

/** Reads what a backend stored: base32 in any spelling, or an `otpauth://` address. `undefined`: nobody can make codes of it. */
export function readTotpKey(stored: Secret): TotpKey | undefined {
  const text = stored.expose().trim();
  return /^otpauth:/i.test(text) ? readAddress(text) : keyOf(text, "SHA1", 6, 30);
}

function readAddress(text: string): TotpKey | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if (url.host.toLowerCase() !== "totp") return undefined;
  const { searchParams: given } = url;
  const algorithm = (given.get("algorithm") ?? "SHA1").toUpperCase().replace("-", "");
  return keyOf(
    given.get("secret") ?? "",
    algorithm,
    Number(given.get("digits") ?? 6),
    Number(given.get("period") ?? 30),
  );
}

function keyOf(typed: string, name: string, digits: number, period: number): TotpKey | undefined {
  const secret = typed.replaceAll(/[\s=-]/g, "").toUpperCase();
  const algorithm = ALGORITHMS.get(name);
  // 16 characters of base32 are 80 bits.
  const isSound = /^[A-Z2-7]{16,128}$/.test(secret) && Number.isInteger(period) && period >= 15 && period <= 120;
  if (!isSound || algorithm === undefined || (digits !== 6 && digits !== 7 && digits !== 8)) return undefined;
  return { secret: new Secret(secret), algorithm, digits, period };
}

/**
 * A code as it was typed, in ASCII digits: spaces and dashes go, Arabic and Persian digits count as what they are.
 * Full-width ones do not: no keyboard makes them by itself, and look-alikes are refused rather than guessed at.
 */
export function readCode(typed: string): string | undefined {
  const digits = typed
    .replaceAll(/[\s\u00a0-]/g, "")
    .replaceAll(/[\u0660-\u0669]/g, (digit) => String(digit.charCodeAt(0) - 0x660))
    .replaceAll(/[\u06f0-\u06f9]/g, (digit) => String(digit.charCodeAt(0) - 0x6f0));
  return /^[0-9]{6,8}$/.test(digits) ? digits : undefined;
}

/**
 * The time step a code belongs to, or `undefined` for a wrong one.
 * @param now milliseconds. @param window steps before and after the present one that count (RFC 6238 section 5.2).
 */
export function stepOf(
  code: string,
  key: TotpKey,
  { now, window }: { now: number; window: number },
): number | undefined {
  if (code.length !== key.digits) return undefined;
  const result = verifySync({
    secret: key.secret.expose(),
    token: code,
    epoch: Math.floor(now / 1000),
    epochTolerance: window * key.period,
    algorithm: key.algorithm,
    digits: key.digits,
    period: key.period,
    guardrails: GUARDRAILS,
  });
  return result.valid && "timeStep" in result ? result.timeStep : undefined;
}

/** The address an authenticator app reads from the QR code. */
export function totpAddress(secret: Secret, about: { readonly issuer: string; readonly account: string }): string {
  return generateURI({ issuer: about.issuer, label: about.account, secret: secret.expose() });
}
