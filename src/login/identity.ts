import { createHash } from "node:crypto";
import type { Account } from "../backend/index.ts";

/** Who an account is across requests: enough to ask the right backend again and to greet the person. */
export interface AccountIdentity {
  /** The stable subject identifier: `sub` of OpenID Connect Core section 8, at most 255 ASCII characters. */
  readonly subject: string;
  readonly name: string;
  readonly backend: string;
  readonly unique_user_id: string | undefined;
  readonly display_name: string;
}

/** The identity of an account a backend returned. */
export function identityOf(account: Account): AccountIdentity {
  return {
    subject: subjectOf(account),
    name: account.name,
    backend: account.backend,
    unique_user_id: account.unique_user_id,
    display_name: account.display_name ?? account.name,
  };
}

/** The unique user id where the backend gives one, else the account name; hashed when it is not 1 to 255 printable ASCII characters. */
export function subjectOf(account: Pick<Account, "name" | "unique_user_id">): string {
  const raw = account.unique_user_id ?? account.name;
  return /^[\x21-\x7e]{1,255}$/.test(raw) ? raw : createHash("sha256").update(raw, "utf8").digest("base64url");
}
