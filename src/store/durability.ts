/**
 * Kinds whose loss in a power cut would undo something a person or an application was told: these are flushed to disk before
 * the promise resolves. The rest (access tokens, open interactions) may lose the last moments, never their order.
 */
const FLUSHED: ReadonlySet<string> = new Set([
  "device.trust",
  "factor.enrolment-code",
  "factor.handle",
  "factor.used-code",
  "identity",
  "key",
  "oidc.AuthorizationCode",
  "oidc.DeviceCode",
  "oidc.Grant",
  "oidc.PushedAuthorizationRequest",
  "oidc.RefreshToken",
  "oidc.Session",
  "oidc.consent",
  "saml.participant",
  "saml.request-id",
  "session",
]);

/** A lock that comes back after a power cut keeps others waiting for its short life, and nobody holds it. */
const LOCK = "factor.lock";

/**
 * Milliseconds a mark is kept after it expired: a clock that goes forward by mistake and comes back must not find what was used swept
 * away. In between it is expired for everybody, and what it was for as well.
 */
export const KEEP_MARKS = 2 * 3_600_000;

/**
 * What an older copy may bring back: keys and secrets, who people are, what is known of their credentials, what was used up, and records
 * for people to read. Everything else was ended, used, withdrawn or spent by somebody since, and is left out unless the operator wants it.
 */
export const KEPT_BY_RESTORE: readonly string[] = [
  "activity",
  "factor.credential",
  "factor.handle",
  "factor.last",
  "factor.used-code",
  "identity",
  "key",
  "saml.metadata",
  "sealing",
];

/** Answers whether a write of this kind must be on disk before it is acknowledged. */
export function isFlushed(kind: string): boolean {
  return FLUSHED.has(kind);
}

/** Answers whether a removal must be on disk before it is acknowledged: what was used up or taken back must not come back. */
export function isRemovalFlushed(kind: string): boolean {
  return kind !== LOCK;
}
