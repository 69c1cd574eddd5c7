/**
 * The sign-in: a pure state machine (`flow.ts`) over stored attempts, the password step, and the pages below `/login/<protocol>/<id>`.
 * Protocols come in through the {@link SignInGate} port; no protocol library is known here, and only a finished attempt is handed back.
 */
export {
  type Access,
  type AccessAccount,
  type AccessDecision,
  type AccessRule,
  createAccess,
  withGroups,
} from "./access.ts";
export { createAttempts } from "./attempts.ts";
export { codesFile } from "./codes-file.ts";
export { createDevices, type Devices, type TrustedDevice } from "./devices.ts";
export { totpModel } from "./factor-pages.ts";
export { createFactorStep } from "./factor-step.ts";
export type { ConnectionFacts, RequestFacts } from "./facts.ts";
export { createFailureFloor } from "./failure-floor.ts";
export type { LoginOutcome, LoginState } from "./flow.ts";
export type { SignInGate, SignInRequest } from "./gate.ts";
export { createIdentities, type Identities } from "./identities.ts";
export { type AccountIdentity, identityOf } from "./identity.ts";
export { type Level, levelNames, levelOf } from "./levels.ts";
export { createPasswordStep } from "./password-step.ts";
export { type Demand, isMet } from "./plan.ts";
export { amrOf, authTimeOf, type Levels, levelOfProofs, mergeProofs, type Proofs } from "./proofs.ts";
export { loginRouter } from "./router.ts";
export { createLoginService, type LoginService } from "./service.ts";
export { createSessionFacts, type SessionFacts, type SessionFactsStore } from "./session-facts.ts";
export type {
  BrowserSession,
  BrowserSessions,
  EndedApplication,
  EndedSession,
  SessionEntry,
  SignedIn,
} from "./sessions.ts";
