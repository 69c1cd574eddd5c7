import type { Grant, KoaContextWithOIDC } from "oidc-provider";
import type { Clock } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import { isDenied } from "./account.ts";
import type { OidcClients } from "./clients.ts";

const KIND = "oidc.consent";

/** What a person allowed one client, beyond the life of a browser session. */
export interface RememberedConsent {
  readonly scopes: readonly string[];
  readonly claims: readonly string[];
}

export interface Consents {
  find(subject: string, clientId: string): Promise<RememberedConsent | undefined>;
  list(
    subject: string,
  ): Promise<readonly (RememberedConsent & { readonly clientId: string; readonly since: number })[]>;
  forget(subject: string, clientId: string): Promise<void>;
  /** Adds to what was allowed before. */
  add(subject: string, clientId: string, consent: RememberedConsent): Promise<void>;
}

export function createConsents({ store, clock, keepFor }: { store: Store; clock: Clock; keepFor: number }): Consents {
  const key = (subject: string, clientId: string): string => JSON.stringify([subject, clientId]);
  const find = async (subject: string, clientId: string): Promise<RememberedConsent | undefined> =>
    (await store.get(KIND, key(subject, clientId)))?.value as RememberedConsent | undefined;
  return {
    find,
    async list(subject) {
      const records = await store.findByIndex(KIND, "account", subject);
      return records.map(({ id, record }) => {
        const [, clientId = ""] = JSON.parse(id) as string[];
        const { scopes, claims, since } = record.value as unknown as RememberedConsent & { since: number };
        return { clientId, scopes, claims, since };
      });
    },
    forget: async (subject, clientId) => void (await store.delete(KIND, key(subject, clientId))),
    async add(subject, clientId, consent) {
      const before = await find(subject, clientId);
      const scopes = [...new Set([...(before?.scopes ?? []), ...consent.scopes])];
      const claims = [...new Set([...(before?.claims ?? []), ...consent.claims])];
      const options = { expiresAt: clock.now() + keepFor, index: { account: subject } };
      await store.put(KIND, key(subject, clientId), { scopes, claims, since: clock.now() }, options);
    },
  };
}

/**
 * oidc-provider's `loadExistingGrant`: the grant of this session, widened by what may be released without asking: everything
 * for a client with `skip_consent`, what was allowed before for the others. A refused account gets none.
 */
export function createLoadExistingGrant({ clients, consents }: { clients: OidcClients; consents: Consents }) {
  return async (ctx: KoaContextWithOIDC): Promise<Grant | undefined> => {
    const { oidc } = ctx;
    const { client, session, provider } = oidc;
    if (client === undefined || session?.accountId === undefined || isDenied(oidc.account)) return undefined;

    const clientId = client.clientId;
    const given =
      (oidc.result?.["consent"] as { grantId?: string } | undefined)?.grantId ?? session.grantIdFor(clientId);
    const found = given === undefined ? undefined : await provider.Grant.find(given);
    const grant = found?.accountId === session.accountId ? found : undefined;

    const remembered = clients.skipsConsent(clientId)
      ? { scopes: [...oidc.requestParamOIDCScopes], claims: [...oidc.requestParamClaims] }
      : await consents.find(session.accountId, clientId);
    if (remembered === undefined) return grant;
    return widen(grant ?? new provider.Grant({ accountId: session.accountId, clientId }), remembered);
  };
}

async function widen(grant: Grant, more: RememberedConsent): Promise<Grant> {
  const known = new Set(grant.getOIDCScopeEncountered().split(" "));
  const knownClaims = new Set(grant.getOIDCClaimsEncountered());
  const scopes = more.scopes.filter((scope) => !known.has(scope));
  const claims = more.claims.filter((claim) => !knownClaims.has(claim));
  if (scopes.length === 0 && claims.length === 0 && grant.jti !== undefined) return grant;
  if (scopes.length > 0) grant.addOIDCScope(scopes.join(" "));
  if (claims.length > 0) grant.addOIDCClaims(claims);
  await grant.save();
  return grant;
}
