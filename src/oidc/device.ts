import type { Configuration, errors, KoaContextWithOIDC, Provider } from "oidc-provider";
import type { Clock } from "../kernel/index.ts";
import type { Identities, RequestFacts } from "../login/index.ts";
import type { Store } from "../store/index.ts";
import type { AddressThrottle } from "../throttle/index.ts";
import type { OidcClients } from "./clients.ts";
import { createRenderError, type RenderErrorDeps } from "./errors.ts";
import { ROUTES } from "./paths.ts";

/** Pages of connecting a device, drawn by the composition root. */
export interface DevicePages {
  code(
    ctx: KoaContextWithOIDC,
    model: {
      readonly action: string;
      readonly csrf: string;
      /** What is in the field already. */
      readonly value: string;
      /** No request has the code that was sent. */
      readonly isWrong: boolean;
      /** Whole minutes until codes can be tried again; then there is no form. */
      readonly wait: number | undefined;
    },
  ): string;
  confirm(
    ctx: KoaContextWithOIDC,
    model: {
      readonly action: string;
      readonly csrf: string;
      readonly code: string;
      readonly app: string;
      /** Address the device asked from. */
      readonly address: string;
      readonly who: { readonly name: string; readonly account: string } | undefined;
    },
  ): string;
  done(ctx: KoaContextWithOIDC, model: { readonly app: string | undefined; readonly isConnected: boolean }): string;
}

export interface DeviceDeps extends RenderErrorDeps {
  readonly devicePages: DevicePages;
  readonly deviceCodes: AddressThrottle;
  readonly clients: OidcClients;
  readonly identities: Identities;
  readonly facts: RequestFacts;
  readonly store: Store;
  readonly clock: Clock;
}

type DeviceFlow = NonNullable<NonNullable<Configuration["features"]>["deviceFlow"]>;

/** The `deviceFlow` feature (RFC 8628) with our pages: nobody is connected without having seen the code and the application's name. */
export function deviceFlowFeature(deps: DeviceDeps): DeviceFlow {
  const { devicePages: pages, clients, identities, facts } = deps;
  const renderError = createRenderError(deps);
  return {
    enabled: true,
    charset: "base-20",
    mask: "****-****",
    deviceInfo: (ctx) => ({ address: facts.of(ctx.req).client_ip }),
    userCodeInputSource(ctx, _form, out, error) {
      const failure = kindOf(error);
      if (failure === "failed") {
        // The library made a new form token, which this page has no use for, and cannot keep it where there was no session yet.
        if (ctx.oidc.session !== undefined) Reflect.set(ctx.oidc.session, "touched", false);
        return renderError(ctx, out as ErrorOut, error as Error);
      }
      ctx.type = "html";
      ctx.body =
        failure === "refused"
          ? pages.done(ctx, { app: appOf(ctx, clients), isConnected: false })
          : pages.code(ctx, { ...formOf(ctx), value: "", isWrong: failure === "wrong", wait: undefined });
    },
    userCodeConfirmSource: async (...[ctx, , client, info, code]) => {
      const { session } = ctx.oidc;
      const identity = session?.accountId === undefined ? undefined : await identities.find(session.accountId);
      ctx.type = "html";
      ctx.body = pages.confirm(ctx, {
        ...formOf(ctx),
        code,
        app: clients.name(client.clientId),
        address: typeof info["address"] === "string" ? info["address"] : "",
        who: identity === undefined ? undefined : { name: identity.display_name, account: identity.name },
      });
    },
    successSource(ctx) {
      ctx.type = "html";
      ctx.body = pages.done(ctx, { app: appOf(ctx, clients), isConnected: true });
    },
  };
}

type ErrorOut = { readonly error: string; readonly error_description?: string | undefined };

/** Unknown, expired and used codes are one and the same to whoever guesses. */
function kindOf(error: Error | errors.OIDCProviderError | undefined): "new" | "wrong" | "refused" | "failed" {
  if (error === undefined) return "new";
  if (error.name === "AbortedError") return "refused";
  return /^(?:NotFoundError|ExpiredError|AlreadyUsedError|NoCodeError)$/.test(error.name) ? "wrong" : "failed";
}

function appOf(ctx: KoaContextWithOIDC, clients: OidcClients): string | undefined {
  const clientId = ctx.oidc.client?.clientId ?? ctx.oidc.entities.DeviceCode?.clientId;
  return clientId === undefined ? undefined : clients.name(clientId);
}

function formOf(ctx: KoaContextWithOIDC): { readonly action: string; readonly csrf: string } {
  const secret = (ctx.oidc.session as { state?: { secret?: string } } | undefined)?.state?.secret ?? "";
  return { action: ROUTES.code_verification, csrf: secret };
}

const POLICY = "content-security-policy";
/** Milliseconds between two questions for one device code; clients are told 5 s, and the network is not that exact. */
const POLL = 4_000;

/** Guessing is limited, a code in the address only fills in the form, and who asks too often is told so (RFC 8628 sections 3.5, 5.1 and 5.4). */
export function mountDeviceFlow(provider: Provider, deps: DeviceDeps): void {
  provider.use(async (context, downstream) => {
    const ctx = context as unknown as KoaContextWithOIDC;
    const next = async (): Promise<void> => void (await downstream());
    if (ctx.path === ROUTES.token) return slowDown(ctx, next, deps);
    if (ctx.path !== ROUTES.code_verification) return next();
    return ctx.method === "POST" ? limitGuesses(ctx, next, deps) : fillIn(ctx, next, deps);
  });
}

type Next = () => Promise<void>;

async function limitGuesses(ctx: KoaContextWithOIDC, next: Next, deps: DeviceDeps): Promise<void> {
  const address = deps.facts.of(ctx.req).client_ip;
  const answer = await deps.deviceCodes.attempt(address);
  if (!answer.allowed) {
    const seconds = Math.ceil(answer.retryAfterMs / 1000);
    ctx.status = 429;
    ctx.set("Retry-After", String(seconds));
    ctx.set("Cache-Control", "no-store");
    ctx.type = "html";
    const model = { action: ROUTES.code_verification, csrf: "", value: "", isWrong: false };
    ctx.body = deps.devicePages.code(ctx, { ...model, wait: Math.ceil(seconds / 60) });
    return;
  }
  await next();
  // Counted before it was looked up, given back when there was such a code.
  if (ctx.oidc.entities.DeviceCode === undefined) return;
  // The device is connected or refused by now: a count that stays until its window ends must not take the answer away.
  await answer
    .released()
    .catch((cause: unknown) => deps.logger.warn("A count of device codes could not be given back.", { cause }));
}

/** The library would post the code of a `verification_uri_complete` by a script. */
async function fillIn(ctx: KoaContextWithOIDC, next: Next, { devicePages }: DeviceDeps): Promise<void> {
  const policy = ctx.response.get(POLICY);
  await next();
  const code = ctx.oidc.params?.["user_code"];
  if (typeof code !== "string" || ctx.status !== 200) return;
  ctx.set(POLICY, policy);
  ctx.body = devicePages.code(ctx, { ...formOf(ctx), value: code.slice(0, 16), isWrong: false, wait: undefined });
}

async function slowDown(ctx: KoaContextWithOIDC, next: Next, { store }: DeviceDeps): Promise<void> {
  await next();
  const body = ctx.body as { error?: string; error_description?: string } | undefined;
  const code = ctx.oidc?.params?.["device_code"];
  if (body?.error !== "authorization_pending" || typeof code !== "string") return;
  const polled = await store.increment("oidc.device-poll", code, POLL);
  if (polled.count > 1) ctx.body = { error: "slow_down", error_description: "ask again after five seconds" };
}
