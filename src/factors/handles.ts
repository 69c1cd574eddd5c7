import { createHmac, createSecretKey } from "node:crypto";
import type { AccountKey } from "../backend/index.ts";
import type { JsonObject, Store } from "../store/index.ts";
import { type Owner, ownerKey } from "./owner.ts";

const HANDLE = "factor.handle";
const CREDENTIAL = "factor.credential";

/** Where a passkey's user handle (WebAuthn section 5.4.3) leads, and what is known about credentials beside their stored string. */
export interface Handles {
  /** 32 bytes that tell nothing about the person, the same for ever. */
  handleOf(owner: Owner): Uint8Array;
  /** Whether an authenticator's handle means this person. Other systems took the user id or the account name as it is. */
  isHandleOf(owner: Owner, handle: string): boolean;
  /** Makes the person's passkeys lead to the account. */
  remember(owner: Owner): Promise<void>;
  /** @param handle base64url, as an authenticator returned it. */
  find(handle: string): Promise<AccountKey | undefined>;
  /** Records to whom a new credential belongs; `false`: to somebody else already (WebAuthn section 7.1 step 26). */
  claim(owner: Owner, credentialId: string, added: number): Promise<boolean>;
  release(credentialId: string): Promise<void>;
  /** Milliseconds since the epoch. */
  addedAt(owner: Owner, credentialId: string): Promise<number | undefined>;
}

export function createHandles({ store, secret }: { store: Store; secret: Uint8Array }): Handles {
  const keyObject = createSecretKey(secret);
  const handleOf = (owner: Owner): Uint8Array =>
    createHmac("sha256", keyObject)
      .update(JSON.stringify([owner.backend, owner.unique_user_id ?? owner.name]))
      .digest();
  const handlesOf = (owner: Owner): readonly string[] =>
    [handleOf(owner), Buffer.from(owner.unique_user_id ?? ""), Buffer.from(owner.name)]
      .filter(({ length }) => length > 0)
      .map((handle) => Buffer.from(handle).toString("base64url"));
  const credentialKey = (id: string): string => ownerKey({ backend: "", name: id, unique_user_id: undefined });
  return {
    handleOf,
    isHandleOf: (owner, handle) => handlesOf(owner).includes(handle),
    async remember(owner) {
      const { name, backend, unique_user_id } = owner;
      await Promise.all(handlesOf(owner).map((handle) => store.put(HANDLE, handle, { name, backend, unique_user_id })));
    },
    async find(handle) {
      if (!/^[A-Za-z0-9_-]{1,86}$/.test(handle)) return undefined;
      const record = await store.get(HANDLE, handle);
      return record === undefined ? undefined : accountOf(record.value);
    },
    async claim(owner, credentialId, added) {
      const key = credentialKey(credentialId);
      const isFirst = await store.create(CREDENTIAL, key, { owner: ownerKey(owner), added });
      return isFirst || (await store.get(CREDENTIAL, key))?.value["owner"] === ownerKey(owner);
    },
    release: async (credentialId) => void (await store.delete(CREDENTIAL, credentialKey(credentialId))),
    async addedAt(owner, credentialId) {
      const value = (await store.get(CREDENTIAL, credentialKey(credentialId)))?.value;
      const added = value?.["owner"] === ownerKey(owner) ? value["added"] : undefined;
      return typeof added === "number" ? added : undefined;
    },
  };
}

function accountOf(value: JsonObject): AccountKey {
  const text = (key: string): string => (typeof value[key] === "string" ? value[key] : "");
  return {
    name: text("name"),
    backend: text("backend"),
    unique_user_id: typeof value["unique_user_id"] === "string" ? value["unique_user_id"] : undefined,
  };
}
