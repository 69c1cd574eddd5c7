import { type Account, type FindAccount, type KoaContextWithOIDC } from "oidc-provider";
import type { CallContext } from "../backend/index.ts";
import type { Clock } from "../kernel/index.ts";
import type {
  Access,
  AccessAccount,
  AccessDecision,
  Identities,
  Proofs,
  RequestFacts,
  SessionFactsStore,
} from "../login/index.ts";
import { withGroups } from "../login/index.ts";
import type { Store } from "../store/index.ts";
import type { ClaimRules } from "./claims.ts";
import type { OidcClients } from "./clients.ts";
import { temporarilyUnavailable } from "./store-errors.ts";

const KIND = "oidc.access";
/** Milliseconds; longer than any authorization code lives. */
const KEEP = 10 * 60_000;

interface DecidedAccount extends Account {
  readonly decision: AccessDecision;
}

/** Answers whether the backend or a group rule keeps this account out of the application asked for. */
export function isDenied(account: Account | undefined): boolean {
  return (account as DecidedAccount | undefined)?.decision?.code === "denied";
}

/** What a person proved, carried from the step where it was proven to the session it belongs to. */
export const PROOFS_RESULT = "moonlatch_proofs";

export interface ProofsResult {
  readonly proofs: Proofs;
  readonly isTrusted: boolean;
  readonly remember: boolean;
}

export interface FindAccountDeps {
  readonly sessionFacts: SessionFactsStore;
  /** Milliseconds a session may live. */
  readonly sessionLife: number;
  readonly identities: Identities;
  readonly access: Access;
  readonly clients: OidcClients;
  readonly claims: ClaimRules;
  readonly facts: RequestFacts;
  readonly store: Store;
  readonly clock: Clock;
}

/** Results of the interaction steps carry the decision made before they were finished, so that the resume route asks no script. */
export const ACCESS_RESULT = "moonlatch_access";

/**
 * oidc-provider's `findAccount`. Every authorization, refresh and userinfo asks the backend with the application's id; the
 * resume route and the redemption of a code read what was decided just before.
 */
export function createFindAccount(deps: FindAccountDeps): FindAccount {
  const { identities, access, clients, store, clock } = deps;

  const remember = (key: string, decision: AccessDecision) =>
    store.put(KIND, key, { decision }, { expiresAt: clock.now() + KEEP });
  const rememberFor = async ({ isAuthorizing, key }: ReturnType<typeof visitOf>, decision: AccessDecision) => {
    if (isAuthorizing && key !== undefined) await remember(key, decision);
  };
  const recall = async (key: string | undefined): Promise<AccessDecision | undefined> => {
    const record = key === undefined ? undefined : await store.get(KIND, key);
    return record?.value["decision"] as AccessDecision | undefined;
  };
  const ask = async (ctx: KoaContextWithOIDC, subject: string): Promise<AccessDecision> => {
    const identity = await identities.find(subject);
    if (identity === undefined) return { code: "denied", reason: "not_found" };
    return access.decide(identity, clients.rule(ctx.oidc.client?.clientId), callContext(ctx, deps.facts));
  };

  return async (ctx, subject, token) => {
    const visit = visitOf(ctx, subject, token as TokenFacts | undefined);
    const handed = visit.isResuming ? handedOver(ctx, subject) : undefined;
    const known = handed ?? (visit.mayRecall ? await recall(visit.key) : undefined);
    if (visit.isResuming) await rememberProofs(ctx, subject, deps);
    const decision = withGroups(known ?? (await ask(ctx, subject)), clients.rule(visit.clientId));
    if (decision.code === "unavailable") {
      // With `prompt=none` nobody looks at a page: the application hears of it.
      throw temporarilyUnavailable("the account backend cannot answer now", ctx.oidc.prompts?.has("none") ?? false);
    }
    if (known === undefined || handed !== undefined) await rememberFor(visit, decision);
    if (decision.code === "denied" && !visit.isAuthorizing) return undefined;
    return accountOf(subject, decision, deps, visit.clientId);
  };
}

type TokenFacts = { readonly kind?: string; readonly sessionUid?: string };

/** Where an account is needed, and under which key the decision for this session and application is kept. */
function visitOf(ctx: KoaContextWithOIDC, subject: string, token: TokenFacts | undefined) {
  const { route } = ctx.oidc;
  // The device flow goes the same way under names of its own.
  const isResuming = route === "resume" || route === "device_resume";
  const isAuthorizing = isResuming || route === "authorization" || route === "code_verification";
  const sessionUid = isAuthorizing ? ctx.oidc.session?.uid : token?.sessionUid;
  const clientId = ctx.oidc.client?.clientId ?? "";
  const mayRecall = isResuming || token?.kind === "AuthorizationCode" || token?.kind === "DeviceCode";
  return {
    isResuming,
    isAuthorizing,
    clientId,
    mayRecall,
    key: sessionUid === undefined ? undefined : `${sessionUid}:${clientId}:${subject}`,
  };
}

/** The facts of the session this resume signs in, before anything is decided by them. */
async function rememberProofs(
  ctx: KoaContextWithOIDC,
  subject: string,
  { sessionFacts, facts, clock, sessionLife }: FindAccountDeps,
): Promise<void> {
  const { result, session } = ctx.oidc;
  const proven = result?.[PROOFS_RESULT] as ProofsResult | undefined;
  if (proven === undefined || session === undefined || session.accountId !== subject) return;
  const before = await sessionFacts.get(session.uid);
  const { client_ip: address, user_agent: userAgent } = facts.of(ctx.req);
  const now = clock.now();
  const since = before?.subject === subject ? before.since : now;
  await sessionFacts.put(
    session.uid,
    {
      subject,
      proofs: proven.proofs,
      isTrusted: proven.isTrusted,
      remember: proven.remember,
      address,
      userAgent,
      since,
      seen: now,
    },
    now + sessionLife,
  );
}

function handedOver(ctx: KoaContextWithOIDC, subject: string): AccessDecision | undefined {
  const result = ctx.oidc.result?.[ACCESS_RESULT] as { subject: string; decision: AccessDecision } | undefined;
  return result?.subject === subject ? result.decision : undefined;
}

function accountOf(subject: string, decision: AccessDecision, deps: FindAccountDeps, clientId: string): DecidedAccount {
  const nobody: AccessAccount = { name: "", display_name: undefined, attributes: {}, groups: [] };
  const account = decision.code === "allowed" ? decision.account : nobody;
  return {
    accountId: subject,
    decision,
    claims(use, scope, requested) {
      return {
        ...deps.claims.release({
          account,
          use: use === "id_token" ? "id_token" : "userinfo",
          scopes: scope.split(" "),
          requested: Object.keys(requested),
          client: deps.clients.claims(clientId),
        }),
        sub: subject,
      };
    },
  };
}

/** What a Lua function is told when oidc-provider needs an account. Only a validated client id reaches it. */
export function callContext(ctx: KoaContextWithOIDC, facts: RequestFacts): CallContext {
  const { client, params } = ctx.oidc;
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  return {
    ...facts.of(ctx.req),
    protocol: client === undefined ? "idp" : "oidc",
    oidc_cid: client?.clientId ?? "",
    saml_entity_id: "",
    oidc_client_name: client?.clientName ?? "",
    redirect_uri: text(params?.["redirect_uri"]),
    requested_scopes: text(params?.["scope"])
      .split(" ")
      .filter((scope) => scope !== ""),
    grant_type: text(params?.["grant_type"]),
  };
}
