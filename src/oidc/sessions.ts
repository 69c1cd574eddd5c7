import type { IncomingMessage, ServerResponse } from "node:http";
import type { Provider } from "oidc-provider";
import type { Config } from "../config/index.ts";
import type { Clock } from "../kernel/index.ts";
import {
  amrOf,
  authTimeOf,
  type BrowserSession,
  type BrowserSessions,
  type Identities,
  type Levels,
  levelOfProofs,
  mergeProofs,
  type RequestFacts,
  type SessionEntry,
  type SessionFacts,
  type SessionFactsStore,
  type SignedIn,
} from "../login/index.ts";
import type { Store } from "../store/index.ts";
import { type LeaveDeps, leaveSession } from "./leave.ts";

export interface SessionsDeps extends LeaveDeps {
  readonly identities: Identities;
  readonly clock: Clock;
  readonly config: Pick<Config, "login" | "issuer">;
  readonly sessionFacts: SessionFactsStore;
  readonly facts: RequestFacts;
  readonly levels: Levels;
  readonly store: Store;
  /** Milliseconds a session may live. */
  readonly sessionLife: number;
}

type Session = Awaited<ReturnType<Provider["Session"]["get"]>>;

/** {@link BrowserSessions} over oidc-provider's Session record, so that one sign-in serves every protocol. */
export function createBrowserSessions(deps: SessionsDeps): BrowserSessions {
  const { clock, config, sessionFacts, levels } = deps;
  const { idle, absolute, remember } = config.login.session;
  const isSecure = config.issuer.startsWith("https:");
  const open = async (req: IncomingMessage, res: ServerResponse) => {
    const ctx = deps.provider.createContext(req, res);
    return { ctx, session: await deps.provider.Session.get(ctx) };
  };
  return {
    async current(req, res) {
      const { session } = await open(req, res);
      return asBrowserSession(session, deps, absolute);
    },
    list: (subject) => listSessions(deps, subject),
    async end(uid) {
      const session = await deps.provider.Session.findByUid(uid);
      const accountId = session?.accountId;
      const account = accountId === undefined ? undefined : await deps.identities.find(accountId);
      await sessionFacts.remove(uid);
      return { account, clients: session === undefined ? [] : await leaveSession(deps, session) };
    },
    async signIn(req, res, who) {
      const { ctx, session: found } = await open(req, res);
      const isOther = found.accountId !== undefined && found.accountId !== who.account.subject;
      if (isOther) await found.destroy();
      const session = isOther ? new deps.provider.Session() : found;
      // A new id at every sign-in, so that nobody can know it from before.
      if (!isOther && Reflect.get(session, "new") !== true) session.resetIdentifier();
      const known = isOther ? undefined : await sessionFacts.get(session.uid);
      const now = factsOf(deps, req, who, known);
      session.loginAccount({
        accountId: who.account.subject,
        acr: `urn:moonlatch:level:${levelOfProofs(now.proofs, levels)}`,
        amr: [...amrOf(now.proofs)],
        loginTs: authTimeOf(now.proofs),
        transient: !who.remember,
      });
      await sessionFacts.put(session.uid, now, clock.now() + deps.sessionLife);
      const lifetime = who.remember ? remember : idle;
      await session.save(Math.round(lifetime / 1000));
      ctx.cookies.set(deps.provider.cookieName("session"), session.jti, {
        signed: true,
        httpOnly: true,
        sameSite: "lax",
        secure: isSecure,
        path: "/",
        overwrite: true,
        ...(who.remember ? { expires: new Date(clock.now() + lifetime) } : {}),
      });
    },
  };
}

/** What is known of the session after this sign-in. */
function factsOf(
  { clock, facts }: SessionsDeps,
  req: IncomingMessage,
  who: SignedIn,
  known: SessionFacts | undefined,
): SessionFacts {
  const before = known?.subject === who.account.subject ? known : undefined;
  const isWhole = who.proofs.some(({ method }) => method === "password" || method === "passkey");
  const { client_ip: address, user_agent: userAgent } = facts.of(req);
  return {
    subject: who.account.subject,
    proofs: isWhole ? who.proofs : mergeProofs(before?.proofs ?? [], who.proofs),
    isTrusted: who.isTrusted || (!isWhole && before?.isTrusted === true),
    remember: who.remember,
    address,
    userAgent,
    since: before?.since ?? clock.now(),
    seen: clock.now(),
  };
}

async function asBrowserSession(
  session: Session,
  { identities, clock, levels, sessionFacts }: SessionsDeps,
  absolute: number,
): Promise<BrowserSession | undefined> {
  const { accountId, loginTs, uid } = session;
  if (accountId === undefined || loginTs === undefined || uid === undefined) return undefined;
  const endsAt = loginTs * 1000 + absolute;
  if (clock.now() >= endsAt) return undefined;
  const [account, facts] = await Promise.all([identities.find(accountId), sessionFacts.get(uid)]);
  if (account === undefined) return undefined;
  if (facts !== undefined) sessionFacts.touch(uid, facts);
  const proofs = facts?.subject === accountId ? facts.proofs : [];
  return {
    uid,
    account,
    authTime: loginTs,
    level: levelOfProofs(proofs, levels),
    amr: session.amr ?? [],
    proofs,
    isTrusted: facts?.isTrusted ?? false,
    remember: session.transient !== true,
    endsAt,
  };
}

/** The library keeps sessions by account in the same store ({@link createAdapterFactory}). */
async function listSessions(
  { store, sessionFacts, clock, config }: SessionsDeps,
  subject: string,
): Promise<readonly SessionEntry[]> {
  const records = await store.findByIndex("oidc.Session", "account", subject);
  const entries = await Promise.all(
    records.map(async ({ record: { value } }): Promise<SessionEntry | undefined> => {
      const { uid, loginTs, amr, authorizations } = value as unknown as Partial<Session>;
      if (uid === undefined || loginTs === undefined) return undefined;
      if (clock.now() >= loginTs * 1000 + config.login.session.absolute) return undefined;
      const facts = await sessionFacts.get(uid);
      return {
        uid,
        amr: amr ?? [],
        userAgent: facts?.userAgent ?? "",
        address: facts?.address ?? "",
        since: facts?.since ?? loginTs * 1000,
        seen: facts?.seen ?? loginTs * 1000,
        clients: Object.keys(authorizations ?? {}),
      };
    }),
  );
  const live = entries.filter((entry) => entry !== undefined);
  // A rotated session stands there twice for a moment.
  return [...new Map(live.map((entry) => [entry.uid, entry])).values()].toSorted((a, b) => b.seen - a.seen);
}
