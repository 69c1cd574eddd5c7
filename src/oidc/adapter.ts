import { type Adapter, type AdapterPayload, type AllClientMetadata, errors } from "oidc-provider";
import { type Clock, IdpError } from "../kernel/index.ts";
import type { Store, StoredRecord } from "../store/index.ts";
import { withSessionAliases } from "./session-alias.ts";

export interface AdapterDeps {
  readonly store: Store;
  readonly clients: { metadata(clientId: string): AllClientMetadata | undefined };
  readonly clock: Clock;
}

/** Milliseconds a record outlives its own expiry: oidc-provider judges expiry itself, with this tolerance. */
const TOLERANCE = 15_000;

/** Models a person's things are listed and revoked by; tokens fall with their grant and need no entry of their own. */
const BY_ACCOUNT: ReadonlySet<string> = new Set(["Grant", "RefreshToken", "Session"]);

/**
 * oidc-provider's storage over our {@link Store}; the records of a model have the kind `oidc.<Model>`.
 * Single use is a compare-and-set: of parallel redemptions one succeeds, the others are refused with the model's OAuth error.
 */
export function createAdapterFactory(deps: AdapterDeps): (model: string) => Adapter {
  return (model) => {
    if (model === "Client") return clientAdapter(deps);
    const adapter = modelAdapter(model, deps);
    if (model === "Session") return withSessionAliases(adapter, deps);
    return model === "ReplayDetection" ? withSingleUse(adapter, deps) : adapter;
  };
}

function modelAdapter(model: string, { store, clock }: AdapterDeps): Adapter {
  const kind = `oidc.${model}`;
  const isByAccount = BY_ACCOUNT.has(model);
  const first = async (index: string, value: string) =>
    payloadOf((await store.findByIndex(kind, index, value))[0]?.record);
  return {
    upsert: (id, payload, expiresIn) =>
      store.put(
        kind,
        id,
        { ...payload },
        {
          expiresAt: expiryOf(expiresIn, clock),
          index: indexOf(payload, isByAccount),
        },
      ),
    find: async (id) => payloadOf(await store.get(kind, id)),
    findByUid: (uid) => first("uid", uid),
    findByUserCode: (code) => first("user_code", code),
    async consume(id) {
      if (await store.consume(kind, id, clock.now())) return;
      // The library looks before it consumes; whoever comes here saw the record unused and lost the race.
      throw model === "PushedAuthorizationRequest"
        ? new errors.InvalidRequestUri("request_uri is invalid, expired, or was already used")
        : new errors.InvalidGrant("already consumed");
    },
    destroy: async (id) => void (await store.delete(kind, id)),
    revokeByGrantId: async (grantId) => void (await store.deleteByIndex(kind, "grant", grantId)),
  };
}

/** Milliseconds since the epoch for a lifetime in seconds; a record without one stays. */
function expiryOf(expiresIn: number | undefined, clock: Clock): number | undefined {
  return expiresIn === undefined ? undefined : clock.now() + expiresIn * 1000 + TOLERANCE;
}

function indexOf(payload: AdapterPayload, isByAccount: boolean): Readonly<Record<string, string>> {
  const index: Record<string, string> = {};
  if (payload.grantId !== undefined) index["grant"] = payload.grantId;
  if (payload.uid !== undefined) index["uid"] = payload.uid;
  if (payload.userCode !== undefined) index["user_code"] = payload.userCode;
  if (isByAccount && payload.accountId !== undefined) index["account"] = payload.accountId;
  return index;
}

function payloadOf(record: StoredRecord | undefined): AdapterPayload | undefined {
  if (record?.consumedAt === undefined) return record?.value;
  return { ...record.value, consumed: Math.floor(record.consumedAt / 1000) };
}

/** oidc-provider looks for a `jti` and then stores it; the mark decides between two that looked at the same time. */
function withSingleUse(adapter: Adapter, { store, clock }: AdapterDeps): Adapter {
  return {
    ...adapter,
    async upsert(id, payload, expiresIn) {
      const isFirst = await store.consumeOnce("oidc.jti", id, expiryOf(expiresIn, clock) ?? Number.MAX_SAFE_INTEGER);
      if (!isFirst) throw new errors.InvalidRequest("the token was already used");
      await adapter.upsert(id, payload, expiresIn);
    },
  };
}

/** Clients come from configuration and are never written. */
function clientAdapter({ clients }: AdapterDeps): Adapter {
  return {
    find: async (id) => clients.metadata(id),
    upsert: refuseWrite,
    findByUid: async () => undefined,
    findByUserCode: async () => undefined,
    consume: refuseWrite,
    destroy: refuseWrite,
    revokeByGrantId: refuseWrite,
  };
}

async function refuseWrite(): Promise<never> {
  throw new IdpError("INTERNAL", { because: "clients are defined in the configuration" });
}
