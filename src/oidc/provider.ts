import type { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { type KoaContextWithOIDC, Provider } from "oidc-provider";
import type { BrowserSessions, SignInGate } from "../login/index.ts";
import { type ConfigurationDeps, providerConfiguration } from "./configuration.ts";
import { type ConnectedClients, createConnectedClients } from "./connected.ts";
import { mountDeviceFlow } from "./device.ts";
import { type Documents, keepDocuments } from "./documents.ts";
import { createRenderError } from "./errors.ts";
import { mountFormPost } from "./form-post.ts";
import { createOidcGate } from "./gate.ts";
import { mountLogout } from "./logout.ts";
import { createLogoutNotices, type LogoutNotices } from "./logout-notices.ts";
import { isProviderPath, OAUTH_METADATA, OPENID_METADATA } from "./paths.ts";
import { createBrowserSessions } from "./sessions.ts";
import { asOutage, outageFacts } from "./store-errors.ts";

export interface Oidc {
  readonly gate: SignInGate;
  /** Whether oidc-provider serves this path. */
  readonly serves: (req: IncomingMessage) => boolean;
  /** Answers a request that oidc-provider {@link serves}. Must stand before any body parser. */
  handle(req: IncomingMessage, res: ServerResponse): void;
  readonly sessions: BrowserSessions;
  readonly connected: ConnectedClients;
  /** Tells clients again of the sign-outs they did not hear of. */
  tellAgain(): Promise<void>;
  /** Other keys or claim rules from the next request on; requests under way finish with the old ones. */
  renew(change: Partial<Pick<ConfigurationDeps, "jwks" | "claims">>): void;
}

/** OpenID Connect: oidc-provider configured with our pages, store, policy and accounts. */
export function createOidc(deps: ConfigurationDeps): Oidc {
  // oidc-provider's keys are fixed when it is made: other keys are another provider over the same store.
  const state = { deps, current: createServing(deps) };
  const live = {
    ...deps,
    get provider() {
      return state.current.provider;
    },
    get notices() {
      return state.current.notices;
    },
  };
  const { protocol, host } = new URL(deps.config.issuer);
  return {
    gate: createOidcGate(live),
    serves: ({ url = "" }) => isProviderPath(pathOf(url).path),
    handle(req, res) {
      const { asked, path } = pathOf(req.url ?? "");
      if (state.current.documents.answer(path, req, res)) return;
      req.url = path + (req.url ?? "").slice(asked.length);
      req.headers["x-forwarded-proto"] = protocol.slice(0, -1);
      req.headers["x-forwarded-host"] = host;
      void state.current.callback(req, res);
    },
    sessions: createBrowserSessions(live),
    connected: createConnectedClients(live),
    tellAgain: () => live.notices.turn(),
    renew(change) {
      state.deps = { ...state.deps, ...change };
      state.current = createServing(state.deps);
    },
  };
}

function pathOf(url: string): { readonly asked: string; readonly path: string } {
  const asked = url.split("?", 1)[0] ?? "";
  return { asked, path: asked === OAUTH_METADATA ? OPENID_METADATA : asked };
}

interface Serving {
  readonly provider: Provider;
  readonly notices: LogoutNotices;
  readonly callback: ReturnType<Provider["callback"]>;
  readonly documents: Documents;
}

const API_ERRORS = ["grant.error", "userinfo.error", "introspection.error", "revocation.error"];

function createServing(deps: ConfigurationDeps): Serving {
  const provider = new Provider(deps.config.issuer, providerConfiguration(deps));
  const notices = createLogoutNotices({ ...deps, provider });
  mountOutages(provider, deps);
  mountLogout(provider, { ...deps, notices });
  mountFormPost(provider);
  mountDeviceFlow(provider, deps);
  const documents = keepDocuments(provider);
  provider.on("server_error", (ctx, error) =>
    deps.logger.error("oidc-provider failed.", { path: ctx.path, cause: error }),
  );
  // What breaks outside its own error pages would otherwise be printed past our log.
  const emitter: EventEmitter = provider;
  emitter.on("error", (cause: unknown) => deps.logger.error("A request broke off inside oidc-provider.", { cause }));
  // Applications get JSON, which no page of ours draws and logs.
  for (const event of API_ERRORS)
    emitter.on(event, (ctx: KoaContextWithOIDC, error: Error) => {
      if (asOutage(error) === undefined) return;
      deps.logger.error("A request of an application could not be answered.", {
        path: ctx.path,
        ...outageFacts(error),
      });
    });
  const callback = provider.callback();
  // Addresses and secure cookies follow the issuer, whatever a proxy in front says or leaves out: the Host was checked before.
  provider.proxy = true;
  return { provider, notices, callback, documents };
}

/**
 * What fails after the library's own error pages (telling other protocols of a sign-out) gets ours instead of Koa's bare 500, and every
 * 503 says when to come again.
 */
function mountOutages(provider: Provider, deps: ConfigurationDeps): void {
  const renderError = createRenderError(deps);
  provider.use(async (context, next) => {
    const ctx = context as unknown as KoaContextWithOIDC;
    try {
      await next();
    } catch (error) {
      const unavailable = asOutage(error);
      if (unavailable === undefined) throw error;
      ctx.status = 503;
      renderError(ctx, { error: "temporarily_unavailable", error_description: unavailable.message }, unavailable);
    }
    if (ctx.status !== 503) return;
    ctx.set("Retry-After", "30");
    // Where the answer would have led: with a code, were it not for the session that could not be written.
    ctx.remove("Location");
  });
}
