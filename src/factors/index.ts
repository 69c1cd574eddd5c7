/**
 * Second factors of an account: what it has, proofs of it, and changes, all through the Lua backend and read back before they count.
 * Knows no page and no protocol.
 */

export { type Conversion, sealAccount, unsealAccount } from "./convert.ts";
export type { StoredCredential } from "./credential.ts";
export type { ChangeOutcome, Refusal, Visit } from "./deps.ts";
export type { PendingTotp, Place } from "./enrol.ts";
export { type Capabilities, type Enrolled, type EnrolledOutcome, type Method } from "./enrolled.ts";
export { createFactors, type Factors, type FactorsInput } from "./factors.ts";
export type { Owner } from "./owner.ts";
export type { KeyAnswer, ProofOutcome } from "./prove.ts";
export { createSealer, type Sealer, withSealing } from "./sealing.ts";
export { checkCanary, removeCanary } from "./sealing-canary.ts";
