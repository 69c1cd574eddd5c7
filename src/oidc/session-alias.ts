import { type Adapter, Provider } from "oidc-provider";
import type { Clock } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";

const SESSION = "oidc.Session";
const ALIAS = "oidc.SessionAlias";
/** Milliseconds the old id of a rotated, signed-in session still finds it. */
const KEEP = 60_000;
/** Rotations in a row that are followed: a person with several tabs makes a few within a minute. */
const HOPS = 5;

/**
 * Every resume gives a session a new id and destroys the old one before the browser has the new cookie. A browser that lost
 * that answer, or a parallel tab, would be signed out: so the old id of a signed-in session finds the new one for a minute.
 * Signing out and signing in leave no alias.
 */
export function withSessionAliases(adapter: Adapter, { store, clock }: { store: Store; clock: Clock }): Adapter {
  return {
    ...adapter,
    async find(id) {
      let at = id;
      for (let hops = 0; hops <= HOPS; hops += 1) {
        const found = await adapter.find(at);
        if (found !== undefined) return found;
        const to = (await store.get(ALIAS, at))?.value["to"];
        if (typeof to !== "string") return undefined;
        at = to;
      }
      return undefined;
    },
    async destroy(id) {
      const next = rotatedFrom(id);
      const old = next === undefined ? undefined : await store.get(SESSION, id);
      const { accountId, uid } = old?.value ?? {};
      if (next !== undefined && old !== undefined && accountId === next.accountId) {
        // oidc-provider writes the new record only after this; until then a parallel tab finds this copy of the old one.
        const value = { ...old.value, jti: next.id };
        const index = { account: next.accountId, ...(typeof uid === "string" ? { uid } : {}) };
        await Promise.all([
          store.put(SESSION, next.id, value, { expiresAt: old.expiresAt, index }),
          store.put(ALIAS, id, { to: next.id }, { expiresAt: clock.now() + KEEP }),
        ]);
      }
      await adapter.destroy(id);
    },
  };
}

interface RotatingSession {
  readonly oldId?: string;
  readonly jti?: string;
  readonly accountId?: string;
}

/** The signed-in session of the request that is being answered, if it had this id until now. */
function rotatedFrom(id: string): { readonly id: string; readonly accountId: string } | undefined {
  const ctx = Provider.ctx as { oidc?: { session?: RotatingSession } } | undefined;
  const { oldId, jti, accountId } = ctx?.oidc?.session ?? {};
  if (oldId !== id || jti === undefined || jti === id || accountId === undefined || accountId === "") return undefined;
  return { id: jti, accountId };
}
