import type { Provider } from "oidc-provider";
import type { Clock } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import type { Logger } from "../telemetry/index.ts";

const KIND = "oidc.logout-notice";
/** Milliseconds between the tries. Short altogether: a client that knows no sessions ends a later one as well. */
const WAITS = [5_000, 20_000, 60_000];

/** A sign-out one client has to hear of. */
export interface LogoutNotice {
  readonly clientId: string;
  readonly accountId: string;
  readonly sid: string;
}

/** Back-channel logout messages (OpenID Connect Back-Channel Logout 1.0) that did not arrive and are sent again. */
export interface LogoutNotices {
  /** Keeps a notice that failed just now. Where the store fails as well, the client is not told again. */
  add(notice: LogoutNotice): Promise<void>;
  /** Sends what is due. A notice is given up after the last try. */
  turn(): Promise<void>;
}

/** A method of the library's clients that its types leave out. */
interface BackchannelClient {
  backchannelLogout(accountId: string, sid: string): Promise<void>;
}

interface Pending extends LogoutNotice {
  readonly tries: number;
  /** Milliseconds since the epoch. */
  readonly due: number;
}

/** One logout token to one client. Rejects where the client does not say that it took it. */
export async function sendLogoutToken(provider: Provider, { clientId, accountId, sid }: LogoutNotice): Promise<void> {
  const client = await provider.Client.find(clientId);
  if (client?.backchannelLogoutUri === undefined) return;
  await (client as unknown as BackchannelClient).backchannelLogout(accountId, sid);
}

export function createLogoutNotices(deps: {
  readonly provider: Provider;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}): LogoutNotices {
  const { store, clock, logger } = deps;
  const next = (notice: LogoutNotice, tries: number): Pending => ({
    ...notice,
    tries,
    due: clock.now() + (WAITS[tries] ?? 0),
  });
  const again = async (id: string, version: number, pending: Pending): Promise<void> => {
    const { clientId, tries } = pending;
    // The next try is on record before this one is made: of several instances one sends, and none is lost with it.
    if (!(await store.replace(KIND, id, version, { ...next(pending, tries + 1) }))) return;
    try {
      await sendLogoutToken(deps.provider, pending);
      await store.delete(KIND, id);
    } catch (cause) {
      const isOver = tries + 1 >= WAITS.length;
      if (isOver) await store.delete(KIND, id);
      const outcome = isOver ? "The client is not told any more." : "The client will be told again.";
      logger.warn("A client could not be told of a sign-out.", { client_id: clientId, outcome, cause });
    }
  };
  return {
    async add(notice) {
      const id = JSON.stringify([notice.clientId, notice.sid]);
      const expiresAt = clock.now() + 2 * WAITS.reduce((sum, wait) => sum + wait, 0);
      await store
        .put(KIND, id, { ...next(notice, 0) }, { expiresAt })
        .catch((cause: unknown) =>
          logger.warn("A client will not be told again of a sign-out.", { client_id: notice.clientId, cause }),
        );
    },
    async turn() {
      const all = await store.list(KIND);
      const due = all.filter(({ record }) => (record.value as unknown as Pending).due <= clock.now());
      await Promise.all(due.map(({ id, record }) => again(id, record.version, record.value as unknown as Pending)));
    },
  };
}
