/**
 * Words everyone shares and nothing else: errors, outcomes, secrets, the outside world as parameters.
 * No I/O, no packages, no other folder.
 */
export type { Brand } from "./brand.ts";
export { ERROR_CATALOG, type ErrorCode, type ErrorEntry, type ErrorFacts, IdpError } from "./errors.ts";
export { failure, type Result, success } from "./outcome.ts";
export { Secret } from "./secret.ts";
export { siblingModule } from "./sibling.ts";
export type { Clock, Random, World } from "./world.ts";
