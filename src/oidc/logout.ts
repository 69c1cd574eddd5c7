import type { KoaContextWithOIDC, Provider } from "oidc-provider";
import type { EndedApplication, Identities, RequestFacts } from "../login/index.ts";
import type { AuditLog } from "../telemetry/index.ts";
import type { OidcClients } from "./clients.ts";
import type { LogoutNotice, LogoutNotices } from "./logout-notices.ts";
import { ROUTES } from "./paths.ts";

/** Pages of signing out, drawn by the composition root. */
export interface LogoutPages {
  confirm(
    ctx: KoaContextWithOIDC,
    model: {
      action: string;
      csrf: string;
      who: { name: string; account: string } | undefined;
      apps: readonly string[];
    },
  ): string;
  done(ctx: KoaContextWithOIDC, model: { appHref: string | undefined; app: string | undefined }): string;
  handoff(ctx: KoaContextWithOIDC, model: { app: string | undefined; href: string }): string;
}

/** What the clients of a browser session that oidc-provider ended heard of it. */
export interface LeftSession {
  readonly clients: readonly EndedApplication[];
  /** Where the browser goes next: the client's validated address or our own page. */
  readonly href: string;
  readonly app: string | undefined;
}

export interface LogoutDeps {
  /** Applications of other protocols that know of a session, by name. */
  readonly otherApps: (uid: string) => Promise<readonly string[]>;
  /**
   * Finds out, while the session still stands, who else has to hear of its end. The answer takes the sign-out on to them: the page that
   * does it, or `undefined` when there is nobody.
   */
  readonly beforeSignOut: (uid: string) => Promise<TellOthers>;
  readonly pages: LogoutPages;
  readonly clients: OidcClients;
  readonly identities: Identities;
  readonly audit: AuditLog;
  readonly facts: RequestFacts;
}

export type TellOthers = (left: LeftSession) => Promise<string | undefined>;

/** The `rpInitiatedLogout` feature (OpenID Connect RP-Initiated Logout 1.0) with our pages. */
export function logoutFeature({ pages, clients, identities, otherApps }: LogoutDeps) {
  return {
    enabled: true,
    async logoutSource(ctx: KoaContextWithOIDC): Promise<void> {
      const { session } = ctx.oidc;
      const identity = session?.accountId === undefined ? undefined : await identities.find(session.accountId);
      const secret = (session as { state?: { secret?: string } } | undefined)?.state?.secret ?? "";
      ctx.body = pages.confirm(ctx, {
        action: `${ROUTES.end_session}/confirm`,
        csrf: secret,
        who: identity === undefined ? undefined : { name: identity.display_name, account: identity.name },
        apps: [
          ...Object.keys(session?.authorizations ?? {}).map((id) => clients.name(id)),
          ...(session?.uid === undefined ? [] : await otherApps(session.uid)),
        ],
      });
    },
    postLogoutSuccessSource(ctx: KoaContextWithOIDC): void {
      const client = ctx.oidc.client;
      ctx.type = "html";
      ctx.body = pages.done(ctx, {
        appHref: client?.clientUri,
        app: client === undefined ? undefined : clients.name(client.clientId),
      });
    },
  };
}

/**
 * Two answers of the library that a strict `form-action` or a missing session would spoil:
 * its 303 after the confirmation becomes the hand-off page (a POST's redirect chain is held to our own origin), and a sign-out
 * without a session answers at once instead of posting a scripted form.
 */
export function mountLogout(
  provider: Provider,
  {
    pages,
    clients,
    identities,
    audit,
    facts,
    beforeSignOut,
    notices,
  }: LogoutDeps & { readonly notices: LogoutNotices },
): void {
  const told = outcomes(provider, clients, notices);
  provider.use(async (context, next) => {
    const ctx = context as unknown as KoaContextWithOIDC;
    const isConfirmed = ctx.path === `${ROUTES.end_session}/confirm` && ctx.method === "POST";
    const tellOthers = isConfirmed ? await prepare(provider, ctx, beforeSignOut) : undefined;
    await next();
    if (isConfirmed && ctx.status === 303) {
      const client = ctx.oidc?.client;
      const app = client === undefined ? undefined : clients.name(client.clientId);
      const href = await onward(ctx, { told: await told(ctx), app }, tellOthers);
      ctx.status = 200;
      ctx.remove("location");
      ctx.type = "html";
      ctx.set("referrer-policy", "no-referrer");
      ctx.body = pages.handoff(ctx, { href, app: href.startsWith("/logout/") ? undefined : app });
    } else if (ctx.path === ROUTES.end_session && ctx.status === 200 && ctx.oidc?.session?.accountId === undefined) {
      answerWithoutSession(ctx, pages, clients);
    }
  });
  provider.on("end_session.success", (ctx) => void recordSignOut(ctx, { audit, identities, facts }));
}

/** Once the session is gone nobody could find out any more: a store that fails does it here, where a second try finds everything as it was. */
async function prepare(
  provider: Provider,
  ctx: KoaContextWithOIDC,
  beforeSignOut: LogoutDeps["beforeSignOut"],
): Promise<TellOthers | undefined> {
  const session = await provider.Session.get(ctx);
  return session.accountId === undefined ? undefined : beforeSignOut(session.uid);
}

/** The library's own target, or our page that tells the other protocols first. */
async function onward(
  ctx: KoaContextWithOIDC,
  { told, app }: { told: readonly EndedApplication[]; app: string | undefined },
  tellOthers: TellOthers | undefined,
): Promise<string> {
  const href = ctx.response.get("location");
  const session = ctx.oidc?.session as { destroyed?: boolean } | undefined;
  return (session?.destroyed === true ? await tellOthers?.({ clients: told, href, app }) : undefined) ?? href;
}

/** Collects what became of the back-channel messages of each request; what failed is on record for another try. */
function outcomes(
  provider: Provider,
  clients: OidcClients,
  notices: LogoutNotices,
): (ctx: KoaContextWithOIDC) => Promise<readonly EndedApplication[]> {
  const heard = new WeakMap<object, Promise<EndedApplication>[]>();
  const note = (ctx: KoaContextWithOIDC, outcome: Promise<EndedApplication>): void => {
    heard.set(ctx.req, [...(heard.get(ctx.req) ?? []), outcome]);
  };
  const failed = async (notice: LogoutNotice): Promise<EndedApplication> => {
    await notices.add(notice);
    return { name: clients.name(notice.clientId), outcome: "failed" };
  };
  provider.on("backchannel.success", (ctx, { clientId }) =>
    note(ctx, Promise.resolve({ name: clients.name(clientId), outcome: "told" })),
  );
  provider.on("backchannel.error", (...[ctx, , { clientId }, accountId, sid]) =>
    note(ctx, failed({ clientId, accountId, sid })),
  );
  return async (ctx) => Promise.all(heard.get(ctx.req) ?? []);
}

function answerWithoutSession(ctx: KoaContextWithOIDC, pages: LogoutPages, clients: OidcClients): void {
  const { client, params } = ctx.oidc;
  const target = params?.["post_logout_redirect_uri"];
  const app = client === undefined ? undefined : clients.name(client.clientId);
  ctx.type = "html";
  // The library validated the address against the client's registration before this point, and dropped it otherwise.
  ctx.body =
    typeof target === "string"
      ? pages.handoff(ctx, { href: withState(target, params?.["state"]), app })
      : pages.done(ctx, { appHref: client?.clientUri, app });
}

function withState(uri: string, state: unknown): string {
  const url = new URL(uri);
  if (typeof state === "string") url.searchParams.set("state", state);
  return url.href;
}

async function recordSignOut(
  ctx: KoaContextWithOIDC,
  deps: Pick<LogoutDeps, "audit" | "identities" | "facts">,
): Promise<void> {
  const accountId = ctx.oidc.session?.accountId;
  const identity = accountId === undefined ? undefined : await deps.identities.find(accountId).catch(() => undefined);
  const { client_ip, session } = deps.facts.of(ctx.req);
  deps.audit.record({
    event: "sign_out",
    ...(identity === undefined ? {} : { account: identity.name }),
    address: client_ip,
    reference: session,
  });
}
