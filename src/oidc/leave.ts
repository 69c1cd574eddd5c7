import type { Provider } from "oidc-provider";
import type { EndedApplication } from "../login/index.ts";
import type { Store } from "../store/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { OidcClients } from "./clients.ts";
import { type LogoutNotices, sendLogoutToken } from "./logout-notices.ts";

type Session = NonNullable<Awaited<ReturnType<Provider["Session"]["findByUid"]>>>;

export interface LeaveDeps {
  readonly provider: Provider;
  readonly clients: OidcClients;
  readonly logger: Logger;
  readonly notices: LogoutNotices;
}

/**
 * Ends a session the way the library's own end_session does: back-channel logout (OpenID Connect Back-Channel Logout 1.0) to every
 * client of it, then its tokens but for `offline_access`, then the session.
 */
export async function leaveSession(deps: LeaveDeps, session: Session): Promise<readonly EndedApplication[]> {
  const { provider } = deps;
  const told = await Promise.all(
    Object.keys(session.authorizations ?? {}).map((clientId) => tell(deps, session, clientId)),
  );
  const grants = Object.values(session.authorizations ?? {}).flatMap(({ grantId, persistsLogout }) =>
    grantId === undefined || persistsLogout === true ? [] : [grantId],
  );
  await Promise.all(
    grants.flatMap((grantId) =>
      [provider.AccessToken, provider.RefreshToken, provider.AuthorizationCode]
        .map((model) => model.revokeByGrantId(grantId))
        .concat(destroyGrant(provider, grantId)),
    ),
  );
  await session.destroy();
  return told;
}

/** Signs a person out of every browser, for commands: no application is told. */
export function forgetSessions(store: Store, subject: string): Promise<number> {
  return store.deleteByIndex("oidc.Session", "account", subject);
}

async function destroyGrant(provider: Provider, grantId: string): Promise<void> {
  await (await provider.Grant.find(grantId))?.destroy();
}

async function tell(
  { provider, clients, logger, notices }: LeaveDeps,
  session: Session,
  clientId: string,
): Promise<EndedApplication> {
  const name = clients.name(clientId);
  const client = await provider.Client.find(clientId);
  if (client?.backchannelLogoutUri === undefined || session.accountId === undefined)
    return { name, outcome: "impossible" };
  const notice = { clientId, accountId: session.accountId, sid: session.sidFor(clientId) ?? "" };
  try {
    await sendLogoutToken(provider, notice);
    return { name, outcome: "told" };
  } catch (cause) {
    logger.warn("A client could not be told of a sign-out.", { client_id: clientId, cause });
    await notices.add(notice);
    return { name, outcome: "failed" };
  }
}
