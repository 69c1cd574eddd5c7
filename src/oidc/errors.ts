import type { errors, KoaContextWithOIDC } from "oidc-provider";
import type { Logger } from "../telemetry/index.ts";
import type { OidcClients } from "./clients.ts";
import { outageFacts } from "./store-errors.ts";

/** Draws our error page for a request oidc-provider refused. Built in the composition root over the typed pages. */
export interface ErrorPage {
  /** @returns HTML; `reference` also stands in the log line. */
  draw(
    ctx: KoaContextWithOIDC,
    error: {
      readonly kind: "request" | "unavailable" | "server" | "outofdate";
      readonly code: string;
      readonly reference: string;
      readonly app: string | undefined;
    },
  ): string;
}

export interface RenderErrorDeps {
  readonly page: ErrorPage;
  readonly logger: Logger;
  readonly clients: OidcClients;
  readonly newReference: () => string;
}

type ErrorOut = { readonly error: string; readonly error_description?: string | undefined };

/** oidc-provider's `renderError`: a sentence and a reference for the person, the real reason in the log, nothing reflected. */
export function createRenderError({ page, logger, clients, newReference }: RenderErrorDeps) {
  return (ctx: KoaContextWithOIDC, out: ErrorOut, error: errors.OIDCProviderError | Error): void => {
    const reference = newReference();
    const clientId = ctx.oidc?.client?.clientId;
    log({ ctx, out, error, reference, logger, clients });
    ctx.type = "html";
    ctx.body = page.draw(ctx, {
      kind: kindOf(ctx.status, out.error, error),
      code: out.error,
      reference,
      app: clientId === undefined ? undefined : clients.name(clientId),
    });
  };
}

function kindOf(status: number, code: string, error: Error): "request" | "unavailable" | "server" | "outofdate" {
  if (error.name === "SessionNotFound") return "outofdate";
  if (code === "temporarily_unavailable" || status === 503) return "unavailable";
  return status >= 500 ? "server" : "request";
}

interface Refusal {
  readonly ctx: KoaContextWithOIDC;
  readonly out: ErrorOut;
  readonly error: errors.OIDCProviderError | Error;
  readonly reference: string;
  readonly logger: Logger;
  readonly clients: OidcClients;
}

function log({ ctx, out, error, reference, logger, clients }: Refusal): void {
  const params = (ctx.oidc?.params ?? ctx.query) as Record<string, unknown>;
  const clientId = typeof params["client_id"] === "string" ? params["client_id"] : undefined;
  const detail = "error_detail" in error && typeof error.error_detail === "string" ? error.error_detail : undefined;
  const facts = {
    reference,
    path: ctx.path,
    client_id: clientId,
    error: out.error,
    detail,
    description: out.error_description,
  };
  if (out.error === "server_error") {
    logger.error("A request to an OpenID Connect endpoint failed.", { ...facts, cause: error });
    return;
  }
  if (out.error === "temporarily_unavailable") {
    logger.error("An OpenID Connect request could not be answered.", { ...facts, ...outageFacts(error) });
    return;
  }
  logger.warn("An OpenID Connect request was refused.", { ...facts, ...nearest(out.error, params, clients) });
}

/** For a redirect address that is not registered: what was sent and the registered value it comes closest to. */
function nearest(code: string, params: Record<string, unknown>, clients: OidcClients): Record<string, string> {
  const sent = params["redirect_uri"];
  const clientId = params["client_id"];
  if (code !== "invalid_redirect_uri" || typeof sent !== "string" || typeof clientId !== "string") return {};
  const registered = clients.redirectUris(clientId);
  const best = registered.toSorted((a, b) => commonPrefix(b, sent) - commonPrefix(a, sent))[0];
  return { redirect_uri: sent.slice(0, 256), nearest_registered: best ?? "none" };
}

function commonPrefix(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}
