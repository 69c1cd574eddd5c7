import { createHash } from "node:crypto";
import type { AccountKey } from "../backend/index.ts";

/** Whose factors a step is about: an account that is known already. */
export interface Owner extends AccountKey {
  /** The stable subject identifier. */
  readonly subject: string;
  readonly display_name: string;
}

/** One key per account for marks and locks; tells nothing of the names and values it is made of. */
export function ownerKey(owner: AccountKey, ...more: readonly string[]): string {
  return createHash("sha256")
    .update(JSON.stringify([owner.backend, owner.name, ...more]))
    .digest("base64url");
}
