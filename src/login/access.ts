import type { Account, AccountBackend, CallContext } from "../backend/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { AccountIdentity } from "./identity.ts";
import { subjectOf } from "./identity.ts";

/** Whether one person may use one application now, and what the backend told about them for it. */
export type AccessDecision =
  | { readonly code: "allowed"; readonly account: AccessAccount }
  | { readonly code: "denied"; readonly reason: "backend_denied" | "not_found" | "group" | "identity_changed" }
  | { readonly code: "unavailable"; readonly reason: string };

/** The part of an account that claims are made of. Holds no factor secret. */
export interface AccessAccount {
  readonly name: string;
  readonly display_name: string | undefined;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  readonly groups: readonly string[];
}

/** The application asked for: its validated id travels in the call context. */
export interface AccessRule {
  /** Empty: every group. */
  readonly allow_groups: readonly string[];
}

export interface Access {
  /** A `no_auth` lookup with the application's id, cached for a few seconds. */
  decide(identity: AccountIdentity, rule: AccessRule, context: CallContext): Promise<AccessDecision>;
  /** Forgets cached lookups of an account, after it was changed. */
  forget(identity: Pick<AccountIdentity, "name" | "backend">): void;
}

const CACHE_ENTRIES = 10_000;

/** @param cacheFor milliseconds a lookup is reused. */
export function createAccess(deps: { backend: AccountBackend; clock: Clock; cacheFor: number }): Access {
  const { backend, clock, cacheFor } = deps;
  const cache = new Map<string, { readonly until: number; readonly decision: AccessDecision }>();

  const ask = async (identity: AccountIdentity, context: CallContext): Promise<AccessDecision> => {
    const found = await backend.lookup(identity.name, context, identity.backend);
    switch (found.code) {
      case "found":
        return subjectOf(found.account) === identity.subject
          ? { code: "allowed", account: accessAccount(found.account) }
          : { code: "denied", reason: "identity_changed" };
      case "denied":
        return { code: "denied", reason: "backend_denied" };
      case "not_found":
        return { code: "denied", reason: "not_found" };
      case "unavailable":
        return found;
      default:
        return found satisfies never;
    }
  };

  return {
    async decide(identity, rule, context) {
      const key = JSON.stringify([identity.backend, identity.name, context.oidc_cid, context.saml_entity_id]);
      const cached = cache.get(key);
      if (cached !== undefined && cached.until > clock.monotonic()) return withGroups(cached.decision, rule);
      const decision = await ask(identity, context);
      if (decision.code !== "unavailable") {
        if (cache.size >= CACHE_ENTRIES) cache.clear();
        cache.set(key, { until: clock.monotonic() + cacheFor, decision });
      }
      return withGroups(decision, rule);
    },
    forget(identity) {
      const prefix = JSON.stringify([identity.backend, identity.name]).slice(0, -1);
      for (const key of cache.keys()) if (key.startsWith(`${prefix},`)) cache.delete(key);
    },
  };
}

/** Applies the application's group rule to a lookup. */
export function withGroups(decision: AccessDecision, rule: AccessRule): AccessDecision {
  if (decision.code !== "allowed" || rule.allow_groups.length === 0) return decision;
  return decision.account.groups.some((group) => rule.allow_groups.includes(group))
    ? decision
    : { code: "denied", reason: "group" };
}

function accessAccount(account: Account): AccessAccount {
  return {
    name: account.name,
    display_name: account.display_name,
    attributes: account.attributes,
    groups: account.groups,
  };
}
