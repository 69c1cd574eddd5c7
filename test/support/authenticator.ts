import {
  createHash,
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  randomBytes,
  sign,
} from "node:crypto";
import type { AuthenticationResponseJSON, RegistrationResponseJSON } from "@simplewebauthn/server";

export interface AuthenticatorOptions {
  readonly origin: string;
  /** UUID; left out: zeros, as of a maker who does not say. */
  readonly aaguid?: string;
  /** COSE number of ES256, EdDSA or RS256; left out: ES256. */
  readonly algorithm?: Algorithm;
  /** A synced passkey: it may be backed up, and is. Left out: bound to the device. */
  readonly backupEligible?: boolean;
  /** Left out: true. */
  readonly userVerified?: boolean;
  /** What a registration sends; every assertion sends one more. Left out: 1. 0: always sends 0, as synced passkeys do. */
  readonly startCounter?: number;
}

/** What is wrong with one answer; everything else in it stays right, so that a refusal has one reason. */
export interface Lies {
  readonly origin?: string;
  readonly rpId?: string;
  readonly type?: string;
  readonly challenge?: string;
  readonly crossOrigin?: boolean;
  readonly topOrigin?: string;
  readonly userPresent?: boolean;
  readonly userVerified?: boolean;
  readonly counter?: number;
  /** A registration makes its credential with this id; an assertion only claims it. */
  readonly credentialId?: Uint8Array;
  readonly rawIdDiffers?: boolean;
  readonly credentialType?: string;
  /** Assertion: base64url, `null` for none. */
  readonly userHandle?: string | null;
  /** Assertion. */
  readonly signature?: "wrong-key" | "truncated" | "of-other-data";
  /** Registration: the algorithm the COSE key names. */
  readonly algorithm?: number;
  readonly backup?: { readonly eligible: boolean; readonly state: boolean };
  /** Registration: the format the attestation names. */
  readonly format?: string;
  /** Registration: a statement that is not empty. */
  readonly attestationStatement?: "garbage";
  /** Registration: of the attestation object. Assertion: of the authenticator data, and signed like that. */
  readonly cbor?: "truncated" | "trailing";
  /** Registration: neither the flag nor the data. */
  readonly noAttestedData?: boolean;
  readonly clientDataJson?: "not-json" | "not-base64";
}

export interface Credential {
  /** Base64url. */
  readonly id: string;
  /** Base64url, the `user.id` of the options. */
  readonly userHandle: string;
}

/** The part of PublicKeyCredentialCreationOptionsJSON that is looked at. */
export interface CreationOptions {
  readonly challenge: string;
  readonly rp: { readonly id?: string | undefined };
  readonly user: { readonly id: string };
  readonly excludeCredentials?: readonly { readonly id: string }[] | undefined;
}

/** The part of PublicKeyCredentialRequestOptionsJSON that is looked at. */
export interface RequestOptions {
  readonly challenge: string;
  readonly rpId?: string | undefined;
  readonly allowCredentials?: readonly { readonly id: string }[] | undefined;
}

export interface Authenticator {
  /** Keeps the credential even when the answer is a lie: whether the server took it is not known here. */
  register(options: CreationOptions, lies?: Lies): RegistrationResponseJSON;
  /** By the credential that `allowCredentials` names. By the newest when it names none of these, which no browser would do. */
  assert(options: RequestOptions, lies?: Lies): AuthenticationResponseJSON;
  /** Oldest first. */
  readonly credentials: readonly Credential[];
}

type Algorithm = -7 | -8 | -257;

interface Kept extends Credential {
  readonly keys: KeyPairKeyObjectResult;
  counter: number;
}

/** A WebAuthn authenticator and the browser around it (WebAuthn sections 5.1, 6.1 and 6.5). Lies on demand. */
export function createAuthenticator(options: AuthenticatorOptions): Authenticator {
  const kept: Kept[] = [];
  const domain = new URL(options.origin).hostname;
  return {
    register({ challenge, rp, user, excludeCredentials = [] }, lies = {}) {
      if (excludeCredentials.some(({ id }) => kept.some((one) => one.id === id))) throw new Error("InvalidStateError");
      const made: Kept = {
        id: base64url(lies.credentialId ?? randomBytes(32)),
        userHandle: user.id,
        keys: generateKeys(options.algorithm ?? -7),
        counter: options.startCounter ?? 1,
      };
      kept.push(made);
      const clientData = clientDataOf({ type: "webauthn.create", challenge, origin: options.origin }, lies);
      return registration(made, { options, lies, rpId: rp.id ?? domain, clientData });
    },
    assert({ challenge, rpId, allowCredentials = [] }, lies = {}) {
      const used = kept.find((one) => allowCredentials.some(({ id }) => one.id === id)) ?? kept.at(-1);
      if (used === undefined) throw new Error("NotAllowedError");
      if (options.startCounter !== 0) used.counter += 1;
      const clientData = clientDataOf({ type: "webauthn.get", challenge, origin: options.origin }, lies);
      return assertion(used, { options, lies, rpId: rpId ?? domain, clientData });
    },
    get credentials() {
      return kept.map(({ id, userHandle }) => ({ id, userHandle }));
    },
  };
}

interface Ceremony {
  readonly options: AuthenticatorOptions;
  readonly lies: Lies;
  readonly rpId: string;
  readonly clientData: ClientData;
}

function registration(made: Kept, ceremony: Ceremony): RegistrationResponseJSON {
  const { lies, options, clientData } = ceremony;
  const algorithm = lies.algorithm ?? options.algorithm ?? -7;
  const attested = lies.noAttestedData === true ? undefined : attestedData(made, algorithm, options.aaguid);
  const authData = authenticatorData(made, ceremony, attested);
  const attestation = encodeCbor(
    new Map<string, Cbor>([
      ["fmt", lies.format ?? "none"],
      ["attStmt", new Map(lies.attestationStatement === "garbage" ? [["garbage", randomBytes(8)]] : [])],
      ["authData", authData],
    ]),
  );
  return {
    ...envelope(made, lies),
    response: {
      clientDataJSON: clientData.sent,
      attestationObject: base64url(damaged(attestation, lies)),
      transports: ["internal"],
      // What browsers read out of the attestation object for pages that cannot; unproven, so a server must not trust them.
      authenticatorData: base64url(authData),
      publicKey: base64url(made.keys.publicKey.export({ format: "der", type: "spki" })),
      publicKeyAlgorithm: algorithm,
    },
  };
}

function assertion(used: Kept, ceremony: Ceremony): AuthenticationResponseJSON {
  const { lies, clientData } = ceremony;
  // Damaged before it is signed: else the signature would be refused, and nobody would know whether the reader was lenient.
  const authData = damaged(authenticatorData(used, ceremony), lies);
  const userHandle = lies.userHandle === undefined ? used.userHandle : lies.userHandle;
  return {
    ...envelope(used, lies),
    response: {
      clientDataJSON: clientData.sent,
      authenticatorData: base64url(authData),
      signature: base64url(signature(used, Buffer.concat([authData, sha256(clientData.bytes)]), lies)),
      ...(userHandle === null ? {} : { userHandle }),
    },
  };
}

/** What registrations and assertions have in common (PublicKeyCredential.toJSON, WebAuthn section 5.1). */
function envelope(credential: Credential, lies: Lies) {
  const id = lies.credentialId === undefined ? credential.id : base64url(lies.credentialId);
  return {
    id,
    rawId: lies.rawIdDiffers === true ? base64url(randomBytes(32)) : id,
    // The types know but one value, and the lie is another.
    type: (lies.credentialType ?? "public-key") as "public-key",
    authenticatorAttachment: "platform" as const,
    clientExtensionResults: {},
  };
}

interface ClientData {
  /** What is hashed and signed. */
  readonly bytes: Uint8Array;
  /** What is posted. */
  readonly sent: string;
}

function clientDataOf(honest: { type: string; challenge: string; origin: string }, lies: Lies): ClientData {
  const { type, challenge, origin } = { ...honest, ...lies };
  const topOrigin = lies.topOrigin === undefined ? {} : { topOrigin: lies.topOrigin };
  const json = JSON.stringify({ type, challenge, origin, crossOrigin: lies.crossOrigin ?? false, ...topOrigin });
  const bytes = Buffer.from(lies.clientDataJson === "not-json" ? json.slice(0, -1) : json);
  const sent = base64url(bytes);
  // Decoders like Node's skip what is not in the alphabet: one that is lenient reads honest client data.
  return { bytes, sent: lies.clientDataJson === "not-base64" ? `${sent.slice(0, 4)}!!!!${sent.slice(4)}` : sent };
}

const FLAGS = { userPresent: 0x01, userVerified: 0x04, backupEligible: 0x08, backedUp: 0x10, attested: 0x40 };

/** WebAuthn section 6.1. */
function authenticatorData({ counter }: Kept, { options, lies, rpId }: Ceremony, attested?: Uint8Array): Uint8Array {
  const isSynced = options.backupEligible ?? false;
  const backup = lies.backup ?? { eligible: isSynced, state: isSynced };
  const fixed = Buffer.alloc(5);
  fixed[0] =
    (lies.userPresent === false ? 0 : FLAGS.userPresent) |
    ((lies.userVerified ?? options.userVerified ?? true) ? FLAGS.userVerified : 0) |
    (backup.eligible ? FLAGS.backupEligible : 0) |
    (backup.state ? FLAGS.backedUp : 0) |
    (attested === undefined ? 0 : FLAGS.attested);
  fixed.writeUInt32BE(lies.counter ?? counter, 1);
  return Buffer.concat([sha256(lies.rpId ?? rpId), fixed, attested ?? new Uint8Array()]);
}

const NO_AAGUID = "00000000-0000-0000-0000-000000000000";

/** WebAuthn section 6.5.1. */
function attestedData(made: Kept, algorithm: number, aaguid = NO_AAGUID): Uint8Array {
  const id = Buffer.from(made.id, "base64url");
  const length = Buffer.alloc(2);
  length.writeUInt16BE(id.length);
  const key = encodeCbor(coseKey(made.keys.publicKey, algorithm));
  return Buffer.concat([Buffer.from(aaguid.replaceAll("-", ""), "hex"), length, id, key]);
}

/** RFC 9053 section 7 and RFC 8230 section 4. Labels: 1 type of key, 3 algorithm, the negative ones depend on the type. */
function coseKey(publicKey: KeyObject, algorithm: number): Cbor {
  const { kty, x = "", y = "", n = "", e = "" } = publicKey.export({ format: "jwk" });
  const bytes = (value: string): Uint8Array => Buffer.from(value, "base64url");
  const labels = (type: number, ...rest: readonly [number, Cbor][]) => new Map([[1, type], [3, algorithm], ...rest]);
  if (kty === "EC") return labels(2, [-1, 1], [-2, bytes(x)], [-3, bytes(y)]);
  if (kty === "OKP") return labels(1, [-1, 6], [-2, bytes(x)]);
  return labels(3, [-1, bytes(n)], [-2, bytes(e)]);
}

function generateKeys(algorithm: Algorithm): KeyPairKeyObjectResult {
  switch (algorithm) {
    case -7:
      return generateKeyPairSync("ec", { namedCurve: "P-256" });
    case -8:
      return generateKeyPairSync("ed25519");
    case -257:
      return generateKeyPairSync("rsa", { modulusLength: 2048 });
  }
}

function signature({ keys }: Kept, data: Uint8Array, lies: Lies): Uint8Array {
  const key = lies.signature === "wrong-key" ? anotherOf(keys.privateKey) : keys.privateKey;
  const signed = lies.signature === "of-other-data" ? Buffer.concat([data, Buffer.from("other")]) : data;
  // Ed25519 hashes by itself. Node writes ECDSA as DER, which is what WebAuthn wants (section 6.5.5).
  const made = sign(key.asymmetricKeyType === "ed25519" ? null : "sha256", signed, key);
  return lies.signature === "truncated" ? made.subarray(0, -1) : made;
}

/** A key of the same kind, so that nothing but the mathematics tells it from the right one. */
function anotherOf({ asymmetricKeyType }: KeyObject): KeyObject {
  const algorithm = asymmetricKeyType === "ec" ? -7 : asymmetricKeyType === "ed25519" ? -8 : -257;
  return generateKeys(algorithm).privateKey;
}

/** Halved, because decoders that cut a byte string at the end of their input would not notice a missing byte or two. */
function damaged(bytes: Uint8Array, { cbor }: Lies): Uint8Array {
  if (cbor === "truncated") return bytes.subarray(0, bytes.length / 2);
  return cbor === "trailing" ? Buffer.concat([bytes, Buffer.from([0])]) : bytes;
}

type Cbor = number | string | Uint8Array | ReadonlyMap<number | string, Cbor>;

/** As much of RFC 8949 as attestation needs. Maps keep their order: write them in the canonical one of CTAP2. */
function encodeCbor(value: Cbor): Uint8Array {
  if (typeof value === "number") return value >= 0 ? cborHead(0, value) : cborHead(1, -1 - value);
  if (typeof value === "string") return Buffer.concat([cborHead(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([cborHead(2, value.length), value]);
  return Buffer.concat([cborHead(5, value.size), ...[...value].flat().map(encodeCbor)]);
}

/** The major type and its number in the shortest form: the library measures a key by encoding it again. */
function cborHead(major: number, count: number): Uint8Array {
  const type = major << 5;
  if (count < 24) return Buffer.from([type | count]);
  if (count < 0x100) return Buffer.from([type | 24, count]);
  if (count < 0x10000) return Buffer.from([type | 25, count >>> 8, count]);
  return Buffer.from([type | 26, count >>> 24, count >>> 16, count >>> 8, count]);
}

function sha256(data: string | Uint8Array): Uint8Array {
  return createHash("sha256").update(data).digest();
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64url");
}
