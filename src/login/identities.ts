import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../kernel/index.ts";
import type { JsonObject, Store } from "../store/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { AccountIdentity } from "./identity.ts";

const KIND = "identity";

/** Remembers which account of which backend a subject identifier stands for. */
export interface Identities {
  /**
   * Records the identity. `false` when the subject already stands for an account of another backend (or for another
   * account without a unique id): signing in then would hand one person's applications to another.
   */
  remember(identity: AccountIdentity): Promise<boolean>;
  find(subject: string): Promise<AccountIdentity | undefined>;
}

/** @param keepFor milliseconds an identity is kept after its last sign-in: longer than any session or refresh token. */
export function createIdentities(deps: { store: Store; clock: Clock; keepFor: number; logger: Logger }): Identities {
  const { store, clock, keepFor, logger } = deps;
  const find = async (subject: string): Promise<AccountIdentity | undefined> => {
    const record = await store.get(KIND, subject);
    return record === undefined ? undefined : readIdentity(record.value);
  };
  return {
    find,
    async remember(identity) {
      const record = await store.get(KIND, identity.subject);
      const known = record === undefined ? undefined : readIdentity(record.value);
      if (known !== undefined && !isSamePerson(known, identity)) {
        logger.error(
          "Two accounts have the same subject identifier; the second is refused. Give each a unique unique_user_id.",
          {
            subject: identity.subject,
            first: `${known.backend}/${known.name}`,
            second: `${identity.backend}/${identity.name}`,
          },
        );
        return false;
      }
      // Most sign-ins tell nothing new: a write now and then keeps the identity alive.
      const isFresh = (record?.expiresAt ?? 0) > clock.now() + keepFor / 2;
      if (known !== undefined && isFresh && isDeepStrictEqual(known, identity)) return true;
      await store.put(KIND, identity.subject, { ...identity }, { expiresAt: clock.now() + keepFor });
      return true;
    },
  };
}

function isSamePerson(known: AccountIdentity, now: AccountIdentity): boolean {
  if (known.backend !== now.backend) return false;
  return known.name === now.name || (known.unique_user_id !== undefined && known.unique_user_id === now.unique_user_id);
}

/** Reads what {@link Identities.remember} wrote. */
export function readIdentity(value: JsonObject): AccountIdentity {
  const text = (key: string): string => (typeof value[key] === "string" ? value[key] : "");
  return {
    subject: text("subject"),
    name: text("name"),
    backend: text("backend"),
    unique_user_id: typeof value["unique_user_id"] === "string" ? value["unique_user_id"] : undefined,
    display_name: text("display_name"),
  };
}
