/** Limits on guessing: attempts per account, address and pair of them within a window, counted in the store so that all instances share them. */
export { type Count, type CountFilter, clearCounts, listCounts } from "./overview.ts";
export type { AttemptSubject, ThrottleLimits } from "./policy.ts";
export { addressKey, shortKey } from "./subject-keys.ts";
export { createSurge, type Surge } from "./surge.ts";
export {
  type AddressThrottle,
  type AllowedAttempt,
  createDeviceCodeThrottle,
  createThrottle,
  type Throttle,
  type ThrottleAnswer,
} from "./throttle.ts";
