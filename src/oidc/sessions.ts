import type { IncomingMessage, ServerResponse } from "node:http";
import type { Provider } from "oidc-provider";
import type { Config } from "../config/index.ts";
import type { Clock } from "../kernel/index.ts";
import { type BrowserSession, type BrowserSessions, type Identities, levelOf } from "../login/index.ts";
import { type LeaveDeps, leaveSession } from "./leave.ts";

export interface SessionsDeps extends LeaveDeps {
  readonly identities: Identities;
  readonly clock: Clock;
  readonly config: Pick<Config, "login" | "issuer">;
}

type Session = Awaited<ReturnType<Provider["Session"]["get"]>>;

/** {@link BrowserSessions} over oidc-provider's Session record, so that one sign-in serves every protocol. */
export function createBrowserSessions(deps: SessionsDeps): BrowserSessions {
  const { provider, identities, clock, config } = deps;
  const { idle, absolute, remember } = config.login.session;
  const isSecure = config.issuer.startsWith("https:");
  const open = async (req: IncomingMessage, res: ServerResponse) => {
    const ctx = provider.createContext(req, res);
    return { ctx, session: await provider.Session.get(ctx) };
  };
  return {
    async current(req, res) {
      const { session } = await open(req, res);
      return asBrowserSession(session, identities, clock.now(), absolute);
    },
    async end(uid) {
      const session = await deps.provider.Session.findByUid(uid);
      const accountId = session?.accountId;
      const account = accountId === undefined ? undefined : await identities.find(accountId);
      return { account, clients: session === undefined ? [] : await leaveSession(deps, session) };
    },
    async signIn(req, res, who) {
      const { ctx, session: found } = await open(req, res);
      const isOther = found.accountId !== undefined && found.accountId !== who.account.subject;
      if (isOther) await found.destroy();
      const session = isOther ? new provider.Session() : found;
      // A new id at every sign-in, so that nobody can know it from before.
      if (!isOther && Reflect.get(session, "new") !== true) session.resetIdentifier();
      session.loginAccount({
        accountId: who.account.subject,
        acr: `urn:moonlatch:level:${who.level}`,
        amr: [...who.amr],
        loginTs: who.authTime,
        transient: !who.remember,
      });
      const lifetime = who.remember ? remember : idle;
      await session.save(Math.round(lifetime / 1000));
      ctx.cookies.set(provider.cookieName("session"), session.jti, {
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

async function asBrowserSession(
  session: Session,
  identities: Identities,
  now: number,
  absolute: number,
): Promise<BrowserSession | undefined> {
  const { accountId, loginTs, uid } = session;
  if (accountId === undefined || loginTs === undefined || uid === undefined) return undefined;
  const endsAt = loginTs * 1000 + absolute;
  const account = now >= endsAt ? undefined : await identities.find(accountId);
  if (account === undefined) return undefined;
  return {
    uid,
    account,
    authTime: loginTs,
    level: levelOf(session.acr ?? "") ?? 1,
    amr: session.amr ?? [],
    endsAt,
  };
}
