import type { Enrolled } from "../factors/index.ts";
import type { Proofs } from "../login/index.ts";

/**
 * Whether sign-in methods may be changed now: by a proof of what the person has, given a moment ago. Only who has nothing yet may begin
 * with a fresh password. Pure.
 */
export function isFresh(given: {
  readonly enrolled: Enrolled;
  /** An administrator's code waits. */
  readonly isCodeOpen: boolean;
  readonly proofs: Proofs;
  /** Milliseconds. */
  readonly now: number;
  readonly fresh: number;
}): boolean {
  const { enrolled, isCodeOpen, proofs, now, fresh } = given;
  const { totp, credentials, unreadableCredentials } = enrolled;
  const isProtected = totp !== "none" || credentials.length + unreadableCredentials.length > 0 || isCodeOpen;
  return proofs.some(({ method, at }) => now - at * 1000 <= fresh && (method !== "password" || !isProtected));
}
