import { createHash } from "node:crypto";
import {
  type AuthenticationResponseJSON,
  type AuthenticatorTransport,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from "@simplewebauthn/server";
import { decodeAttestationObject } from "@simplewebauthn/server/helpers";
import { failure, type Result, success } from "../kernel/index.ts";
import { CHALLENGE_LIFE, type Challenges } from "./challenges.ts";
import { algorithmOf } from "./cose-key.ts";
import type { NewCredential, StoredCredential, Use } from "./credential.ts";
import { readAnswer } from "./webauthn-answer.ts";

/** The relying party (WebAuthn section 5.4.2) and what it insists on. */
export interface RelyingParty {
  readonly id: string;
  readonly name: string;
  readonly origins: readonly string[];
}

/** EdDSA, ES256, RS256: what every authenticator has at least one of; stated, because the library's defaults depend on the platform. */
const ALGORITHMS = [-8, -7, -257];

export interface Ceremony {
  readonly challenges: Challenges;
  readonly party: RelyingParty;
  /** Purpose, attempt and person: an answer counts only for the same. */
  readonly binding: string;
}

export interface NewcomerInput {
  readonly handle: Uint8Array;
  readonly account: string;
  readonly displayName: string;
  /** What the person has already: the same authenticator is not added twice. */
  readonly existing: readonly StoredCredential[];
}

export async function registrationOptions(
  { challenges, party, binding }: Ceremony,
  person: NewcomerInput,
): Promise<PublicKeyCredentialCreationOptionsJSON> {
  return generateRegistrationOptions({
    rpID: party.id,
    rpName: party.name,
    userID: new Uint8Array(person.handle),
    userName: person.account,
    userDisplayName: person.displayName,
    challenge: await challenges.issue(binding),
    timeout: CHALLENGE_LIFE,
    attestationType: "none",
    excludeCredentials: descriptors(person.existing),
    authenticatorSelection: { residentKey: "preferred", userVerification: "preferred" },
    supportedAlgorithmIDs: ALGORITHMS,
  });
}

/** @param allowed empty: any passkey of this provider (discoverable credentials). */
export async function assertionOptions(
  { challenges, party, binding }: Ceremony,
  allowed: readonly StoredCredential[],
): Promise<PublicKeyCredentialRequestOptionsJSON> {
  return generateAuthenticationOptions({
    rpID: party.id,
    challenge: await challenges.issue(binding),
    timeout: CHALLENGE_LIFE,
    allowCredentials: descriptors(allowed),
    // A passkey that stands for the password must know its owner; a second factor only has to be there.
    userVerification: allowed.length === 0 ? "required" : "preferred",
  });
}

function descriptors(credentials: readonly StoredCredential[]) {
  return credentials.map(({ id, transports }) => ({ id, transports: transports as AuthenticatorTransport[] }));
}

/** What a registration made (WebAuthn section 7.1). A failure says why, for the log alone. */
export async function verifyRegistration(
  { challenges, party, binding }: Ceremony,
  posted: string,
): Promise<Result<NewCredential & { readonly discoverable: boolean | undefined }, string>> {
  const answer = readAnswer(posted, "attestationObject");
  if (!answer.ok) return answer;
  const response = answer.value as unknown as RegistrationResponseJSON;
  try {
    const { verified, registrationInfo: info } = await verifyRegistrationResponse({
      response,
      expectedChallenge: (challenge) => challenges.take(challenge, binding),
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      requireUserVerification: false,
      supportedAlgorithmIDs: ALGORITHMS,
    });
    if (!verified) return failure("the attestation does not verify");
    const { credential, attestationObject } = info;
    if (credential.id !== response.id) return failure("the answer names another credential than its attestation");
    const algorithm = algorithmOf(credential.publicKey);
    if (algorithm === undefined) return failure("the public key does not fit its algorithm");
    const clientData = Buffer.from(response.response.clientDataJSON, "base64url");
    return success({
      id: Buffer.from(credential.id, "base64url"),
      publicKey: credential.publicKey,
      counter: credential.counter,
      transports: transportsOf(response),
      name: "",
      aaguid: info.aaguid,
      attachment: attachmentOf(response),
      userVerified: info.userVerified,
      backupEligible: info.credentialDeviceType === "multiDevice",
      backedUp: info.credentialBackedUp,
      format: info.fmt,
      clientDataJson: clientData,
      clientDataHash: createHash("sha256").update(clientData).digest(),
      // What the answer says beside its attestation is nobody's word.
      authenticatorData: decodeAttestationObject(attestationObject).get("authData"),
      algorithm,
      attestationObject,
      discoverable: response.clientExtensionResults?.credProps?.rk,
    });
  } catch (error) {
    return failure(reasonOf(error));
  }
}

const TRANSPORTS: ReadonlySet<string> = new Set(["ble", "cable", "hybrid", "internal", "nfc", "smart-card", "usb"]);

function attachmentOf({ authenticatorAttachment: given }: RegistrationResponseJSON): string {
  return given === "platform" || given === "cross-platform" ? given : "";
}

function transportsOf({ response }: RegistrationResponseJSON): readonly string[] {
  const given: unknown = response.transports;
  return Array.isArray(given) ? given.filter((one): one is string => TRANSPORTS.has(one as string)) : [];
}

/**
 * Verifies an assertion by this credential (WebAuthn section 7.2). The counter is judged here, not by the library: what a
 * counter that did not grow means is the operator's policy.
 */
export async function verifyAssertion(
  { challenges, party, binding }: Ceremony,
  credential: StoredCredential,
  posted: { readonly answer: string; readonly userVerification: "required" | "preferred" },
): Promise<Result<Use & { readonly multiDevice: boolean }, string>> {
  const read = readAnswer(posted.answer, "signature");
  if (!read.ok) return read;
  const response = read.value as unknown as AuthenticationResponseJSON;
  try {
    const { verified, authenticationInfo: info } = await verifyAuthenticationResponse({
      response,
      expectedChallenge: (challenge) => challenges.take(challenge, binding),
      expectedOrigin: [...party.origins],
      expectedRPID: party.id,
      credential: { id: credential.id, publicKey: credential.publicKey, counter: 0 },
      requireUserVerification: posted.userVerification === "required",
    });
    if (!verified) return failure("the signature does not verify");
    const isMultiDevice = info.credentialDeviceType === "multiDevice";
    // WebAuthn section 7.2 step 18: what a credential may be copied to does not change.
    if (credential.multiDevice !== undefined && credential.multiDevice !== isMultiDevice)
      return failure("the credential's backup eligibility changed");
    const isGrowing = info.newCounter > credential.counter || (info.newCounter === 0 && credential.counter === 0);
    return success({
      counter: info.newCounter,
      userVerified: info.userVerified,
      backedUp: info.credentialBackedUp,
      multiDevice: isMultiDevice,
      cloneWarning: !isGrowing,
    });
  } catch (error) {
    return failure(reasonOf(error));
  }
}

/** The library names what was wrong in its messages; they may quote the sender, so they are cut. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message.slice(0, 200) : "the answer could not be read";
}
