import type { Clock } from "../kernel/index.ts";

/**
 * A WebAuthn credential as backends keep it: the JSON of Go's webauthn library with `name`, `lastUsed` and `signCount`, so that one
 * database serves Nauthilus, too. `raw` is the stored string byte for byte: scripts find a credential by it.
 */
export interface StoredCredential {
  readonly raw: string;
  /** Base64url. */
  readonly id: string;
  /** COSE key. */
  readonly publicKey: Uint8Array<ArrayBuffer>;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly name: string;
  /** Milliseconds since the epoch; `undefined`: never. */
  readonly lastUsed: number | undefined;
  /** It may be copied to the person's other devices, and is. */
  readonly synced: boolean;
  /** It may be copied to other devices; `undefined` where the record does not say. */
  readonly multiDevice: boolean | undefined;
  /** UUID, zeros when the maker did not say. */
  readonly aaguid: string;
}

type Json = Readonly<Record<string, unknown>>;
const NEVER = "0001-01-01T00:00:00Z";
const NO_AAGUID = "00000000-0000-0000-0000-000000000000";

/** Reads a stored string, whatever is missing in it. `undefined`: without id or key nobody can use it. */
export function readCredential(raw: string): StoredCredential | undefined {
  const json = parse(raw);
  if (json === undefined) return undefined;
  const [id, publicKey] = [bytes(json["id"]), bytes(json["publicKey"])];
  if (id.length === 0 || id.length > 1023 || publicKey.length === 0) return undefined;
  const authenticator = objectOf(json["authenticator"]);
  const flags = objectOf(json["flags"]);
  const lastUsed = Date.parse(textOf(json["lastUsed"]));
  const transports = Array.isArray(json["transport"]) ? json["transport"] : [];
  return {
    raw,
    id: Buffer.from(id).toString("base64url"),
    publicKey,
    counter: numberOf(json["signCount"]) ?? numberOf(authenticator["signCount"]) ?? 0,
    transports: transports.filter((one): one is string => typeof one === "string"),
    name: textOf(json["name"]),
    lastUsed: Number.isNaN(lastUsed) || lastUsed <= 0 ? undefined : lastUsed,
    synced: flags["backupState"] === true,
    multiDevice: typeof flags["backupEligible"] === "boolean" ? flags["backupEligible"] : undefined,
    aaguid: uuidOf(bytes(authenticator["AAGUID"])),
  };
}

/** What a registration told about a new credential. */
export interface NewCredential {
  readonly id: Uint8Array;
  readonly publicKey: Uint8Array;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly name: string;
  readonly aaguid: string;
  readonly attachment: string;
  readonly userVerified: boolean;
  readonly backupEligible: boolean;
  readonly backedUp: boolean;
  readonly format: string;
  readonly clientDataJson: Uint8Array;
  readonly clientDataHash: Uint8Array;
  readonly authenticatorData: Uint8Array;
  readonly algorithm: number;
  readonly attestationObject: Uint8Array;
}

/** The string to store: compact, fields in the order the documented format has them. */
export function writeCredential(made: NewCredential): string {
  const base64 = (value: Uint8Array): string => Buffer.from(value).toString("base64");
  return JSON.stringify({
    id: base64(made.id),
    publicKey: base64(made.publicKey),
    attestationType: made.format,
    transport: made.transports.length === 0 ? null : made.transports,
    flags: {
      userPresent: true,
      userVerified: made.userVerified,
      backupEligible: made.backupEligible,
      backupState: made.backedUp,
    },
    authenticator: {
      AAGUID: base64(Buffer.from(made.aaguid.replaceAll("-", ""), "hex")),
      signCount: made.counter,
      cloneWarning: false,
      attachment: made.attachment,
    },
    attestation: {
      clientDataJSON: base64(made.clientDataJson),
      clientDataHash: base64(made.clientDataHash),
      authenticatorData: base64(made.authenticatorData),
      publicKeyAlgorithm: made.algorithm,
      object: base64(made.attestationObject),
    },
    name: made.name,
    lastUsed: NEVER,
    signCount: made.counter,
  });
}

/** What an assertion changes. */
export interface Use {
  readonly counter: number;
  readonly userVerified: boolean;
  readonly backedUp: boolean;
  /** The counter did not grow: there may be a copy of the key. */
  readonly cloneWarning: boolean;
}

/** The string after a use. Everything nobody here knows stays as it was. */
export function usedCredential(raw: string, use: Use, clock: Clock): string {
  const json = parse(raw) ?? {};
  return JSON.stringify({
    ...json,
    flags: { ...objectOf(json["flags"]), userPresent: true, userVerified: use.userVerified, backupState: use.backedUp },
    authenticator: {
      ...objectOf(json["authenticator"]),
      signCount: use.counter,
      cloneWarning: use.cloneWarning,
    },
    lastUsed: new Date(clock.now()).toISOString(),
    signCount: use.counter,
  });
}

export function renamedCredential(raw: string, name: string): string {
  return JSON.stringify({ ...parse(raw), name });
}

/** A name people give to a key, without what naive scripts stumble over. At most 64 characters; may be empty. */
export function cleanName(typed: string): string {
  const plain = typed
    .normalize("NFC")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Co}"'`\\<>]/gu, "")
    .trim();
  return Array.from(plain).slice(0, 64).join("").trim();
}

function parse(raw: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(raw);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : undefined;
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Json {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: unknown): number | undefined {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 ? value : undefined;
}

/** Both base64 alphabets, with padding or without. */
function bytes(value: unknown): Uint8Array<ArrayBuffer> {
  const text = textOf(value);
  return /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) ? new Uint8Array(Buffer.from(text, "base64")) : new Uint8Array();
}

function uuidOf(value: Uint8Array): string {
  const hex = Buffer.from(value).toString("hex");
  return hex.length === 32
    ? [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-")
    : NO_AAGUID;
}
