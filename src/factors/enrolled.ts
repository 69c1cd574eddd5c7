import type { Account, AccountBackend, CallContext, Unavailable } from "../backend/index.ts";
import type { Secret } from "../kernel/index.ts";
import { readCredential, type StoredCredential } from "./credential.ts";
import type { Owner } from "./owner.ts";
import { readTotpKey } from "./totp.ts";

/** The ways to prove a second time that it is you. */
export type Method = "totp" | "webauthn" | "recovery";

/** What an account has, read just now. */
export interface Enrolled {
  /** `unreadable`: something is stored that nobody can make codes of. It still counts as a second factor. */
  readonly totp: "none" | "ready" | "unreadable";
  readonly totpSecret: Secret | undefined;
  readonly recoveryCodes: readonly Secret[];
  readonly credentials: readonly StoredCredential[];
  /** Stored strings that are no credentials. */
  readonly unreadableCredentials: readonly string[];
}

/** What the account's backend can store: a missing function hides the feature. */
export interface Capabilities {
  readonly totp: boolean;
  readonly recovery: boolean;
  readonly webauthn: boolean;
  readonly removeTotp: boolean;
  readonly renameKeys: boolean;
  readonly removeKeys: boolean;
}

export function capabilitiesOf(backend: AccountBackend, name: string): Capabilities {
  const has = backend.functions(name);
  const canRead = has.has("nauthilus_backend_get_webauthn_credentials");
  const canUpdate = has.has("nauthilus_backend_update_webauthn_credential");
  return {
    totp: has.has("nauthilus_backend_add_totp"),
    removeTotp: has.has("nauthilus_backend_delete_totp"),
    recovery: has.has("nauthilus_backend_add_totp_recovery_codes"),
    // A key whose counter cannot be written back could never be used.
    webauthn: canRead && canUpdate && has.has("nauthilus_backend_save_webauthn_credential"),
    renameKeys: canRead && canUpdate,
    removeKeys: canRead && has.has("nauthilus_backend_delete_webauthn_credential"),
  };
}

export type EnrolledOutcome =
  | { readonly code: "ok"; readonly enrolled: Enrolled; readonly account: Account }
  /** The backend keeps the person out of the application behind the step, or knows them no longer. */
  | { readonly code: "denied" }
  | Unavailable;

/**
 * Reads all factors of an account through its backend. Whatever cannot be read is `unavailable`, never "none".
 * @param known what the backend just told about the account; asked for when absent.
 */
export async function readEnrolled(
  backend: AccountBackend,
  { owner, context }: { readonly owner: Owner; readonly context: CallContext },
  known?: Account,
): Promise<EnrolledOutcome> {
  const [found, credentials] = await Promise.all([
    known === undefined
      ? backend.lookup(owner.name, context, owner.backend)
      : ({ code: "found", account: known } as const),
    readCredentials(backend, owner, context),
  ]);
  if (found.code === "unavailable") return found;
  if (found.code !== "found") return { code: "denied" };
  if ("code" in credentials) return credentials;
  const { totp_secret: totpSecret, recovery_codes: recoveryCodes } = found.account;
  return {
    code: "ok",
    account: found.account,
    enrolled: {
      totp: totpSecret === undefined ? "none" : readTotpKey(totpSecret) === undefined ? "unreadable" : "ready",
      totpSecret,
      recoveryCodes,
      ...credentials,
    },
  };
}

type Credentials = Pick<Enrolled, "credentials" | "unreadableCredentials">;

/** The stored credentials; a backend without the function has none. */
export async function readCredentials(
  backend: AccountBackend,
  owner: Owner,
  context: CallContext,
): Promise<Credentials | Unavailable> {
  if (!backend.functions(owner.backend).has("nauthilus_backend_get_webauthn_credentials"))
    return { credentials: [], unreadableCredentials: [] };
  const listed = await backend.webauthnCredentials(owner, context);
  if (listed.code === "unavailable") return listed;
  if (listed.code === "denied") return { code: "unavailable", reason: "the backend refused to list the credentials" };
  const values = listed.code === "ok" ? listed.values : [];
  const read = values.map((raw) => ({ raw, credential: readCredential(raw) }));
  return {
    credentials: read.flatMap(({ credential }) => (credential === undefined ? [] : [credential])),
    unreadableCredentials: read.flatMap(({ raw, credential }) => (credential === undefined ? [raw] : [])),
  };
}
