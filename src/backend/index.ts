/**
 * The Lua contract as data (`contract.ts`) and the {@link AccountBackend} port in our words. Knows no VM: the rest of the program
 * sees accounts, and only the composition root knows that Lua answers.
 */
export {
  BACKEND_FUNCTIONS,
  type FieldValue,
  type FunctionName,
  REQUEST_DEFAULTS,
  RESULT_CODES,
  type RequestFields,
} from "./contract.ts";
export type {
  Account,
  AccountBackend,
  AccountKey,
  BackendProtocol,
  CallContext,
  HttpRequestFacts,
  ListOutcome,
  LookupOutcome,
  PasswordOutcome,
  Unavailable,
  WriteOutcome,
} from "./port.ts";
export { NO_APPLICATION } from "./port.ts";
