import { createHash } from "node:crypto";
import type { AccountKey } from "../backend/index.ts";
import { type Clock, type Random, Secret } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import { ownerKey } from "./owner.ts";
import { canonicalCode, newRecoveryCodes } from "./recovery-codes.ts";

const KIND = "factor.enrolment-code";
/** Milliseconds. */
export const ENROLMENT_CODE_LIFE = 3 * 86_400_000;

/**
 * One-time codes an administrator hands to a person who lost everything. While one is open, the account's password alone opens nothing
 * and adds nothing: the code is the second proof that lets its owner set up a new one.
 */
export interface EnrolmentCodes {
  /** Makes one; an older one is void. */
  create(account: AccountKey): Promise<Secret>;
  isOpen(account: AccountKey): Promise<boolean>;
  /** Whether it is the open code. It stays open until something was set up ({@link close}). */
  matches(account: AccountKey, typed: string): Promise<boolean>;
  close(account: AccountKey): Promise<void>;
}

export function createEnrolmentCodes({
  store,
  clock,
  random,
}: {
  store: Store;
  clock: Clock;
  random: Random;
}): EnrolmentCodes {
  const digest = (account: AccountKey, code: string): string =>
    createHash("sha256")
      .update(JSON.stringify([ownerKey(account), canonicalCode(code)]))
      .digest("base64url");
  const open = async (account: AccountKey) => (await store.get(KIND, ownerKey(account)))?.value["digest"];
  return {
    async create(account) {
      const code = newRecoveryCodes(random)[0] ?? new Secret("");
      const expiresAt = clock.now() + ENROLMENT_CODE_LIFE;
      await store.put(KIND, ownerKey(account), { digest: digest(account, code.expose()) }, { expiresAt });
      return code;
    },
    isOpen: async (account) => (await open(account)) !== undefined,
    matches: async (account, typed) => (await open(account)) === digest(account, typed),
    close: async (account) => void (await store.delete(KIND, ownerKey(account))),
  };
}
