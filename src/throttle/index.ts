/** Limits on guessing: attempts per account and per address within a window, counted in the store so that all instances share them. */
export { type Count, type CountFilter, clearCounts, listCounts } from "./overview.ts";
export { addressKey } from "./subject-keys.ts";
export {
  type AddressThrottle,
  type AttemptSubject,
  createDeviceCodeThrottle,
  createThrottle,
  type Throttle,
  type ThrottleAnswer,
  type ThrottleLimits,
} from "./throttle.ts";
