import { type Adapter, type AdapterPayload, type AllClientMetadata, errors, Provider } from "oidc-provider";
import type { Clock } from "../kernel/index.ts";
import type { JsonObject, Store, StoredRecord } from "../store/index.ts";

export interface AdapterDeps {
  readonly store: Store;
  readonly clients: { metadata(clientId: string): AllClientMetadata | undefined };
  readonly clock: Clock;
}

/** Milliseconds a record outlives its own expiry: oidc-provider judges expiry itself, with this tolerance. */
const TOLERANCE = 15_000;
/** Milliseconds the old id of a rotated, signed-in session still finds it. */
const ALIAS = 60_000;

/** oidc-provider's storage over our {@link Store}. `consume` is a compare-and-set: of parallel redemptions one succeeds. */
export function createAdapterFactory(deps: AdapterDeps): (model: string) => Adapter {
  return (model) => {
    if (model === "Client") return clientAdapter(deps);
    const adapter = modelAdapter(`oidc.${model}`, deps);
    return model === "Session" ? withAliases(adapter, deps) : adapter;
  };
}

function modelAdapter(kind: string, { store, clock }: AdapterDeps): Adapter {
  const first = async (index: string, value: string) =>
    payloadOf((await store.findByIndex(kind, index, value))[0]?.record);
  return {
    async upsert(id, payload, expiresIn) {
      const index = indexOf(payload);
      const expiresAt = expiresIn === undefined ? undefined : clock.now() + expiresIn * 1000 + TOLERANCE;
      await store.put(kind, id, payload as JsonObject, { expiresAt, ...(index === undefined ? {} : { index }) });
    },
    find: async (id) => payloadOf(await store.get(kind, id)),
    findByUid: (uid) => first("uid", uid),
    findByUserCode: (code) => first("user_code", code),
    async consume(id) {
      if (!(await store.consume(kind, id, clock.now()))) throw new errors.InvalidGrant("already consumed");
    },
    destroy: async (id) => void (await store.delete(kind, id)),
    revokeByGrantId: async (grantId) => void (await store.deleteByIndex(kind, "grant", grantId)),
  };
}

function indexOf(payload: AdapterPayload): Readonly<Record<string, string>> | undefined {
  const { grantId, uid, userCode } = payload;
  // A session's grants stand in its authorizations; only its uid is looked up.
  const entries = Object.entries({ grant: grantId, uid, user_code: userCode }).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

function payloadOf(record: StoredRecord | undefined): AdapterPayload | undefined {
  if (record === undefined) return undefined;
  const consumed = record.consumedAt === undefined ? {} : { consumed: Math.floor(record.consumedAt / 1000) };
  return { ...record.value, ...consumed } as AdapterPayload;
}

/** Clients come from configuration and are never written. */
function clientAdapter({ clients }: AdapterDeps): Adapter {
  const readOnly = async (): Promise<never> => {
    throw new Error("clients are defined in the configuration");
  };
  return {
    find: async (id) => clients.metadata(id) as AdapterPayload | undefined,
    upsert: readOnly,
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    consume: readOnly,
    destroy: readOnly,
    revokeByGrantId: async () => undefined,
  };
}

/**
 * Every resume gives a session a new id and destroys the old one before the browser has the new cookie. A browser that lost
 * that answer, or a parallel tab, would be signed out: so the old id of a signed-in session finds the new one for a minute.
 * Signing out and signing in leave no alias.
 */
function withAliases(adapter: Adapter, { store, clock }: AdapterDeps): Adapter {
  const kind = "oidc.SessionAlias";
  return {
    ...adapter,
    async find(id) {
      const found = await adapter.find(id);
      if (found !== undefined) return found;
      const alias = await store.get(kind, id);
      return alias === undefined ? undefined : adapter.find(String(alias.value["to"]));
    },
    async destroy(id) {
      const session = Provider.ctx?.oidc?.session as { oldId?: string; jti?: string; accountId?: string } | undefined;
      const before = session?.oldId === id ? await adapter.find(id) : undefined;
      if (session?.jti !== undefined && before?.accountId !== undefined && before.accountId === session.accountId) {
        await store.put(kind, id, { to: session.jti }, { expiresAt: clock.now() + ALIAS });
      }
      await adapter.destroy(id);
    },
  };
}
