import type { IncomingMessage } from "node:http";
import type { ErrorRequestHandler, Request, RequestHandler } from "express";
import { type Clock, IdpError } from "../kernel/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { preferencesOf } from "./language.ts";
import type { PageModels } from "./page-models.ts";
import type { Pages } from "./pages.ts";
import { isUnread } from "./shape.ts";

export interface ErrorHandlerDeps {
  readonly pages: Pages;
  readonly logger: Logger;
  readonly clock: Clock;
  /** What the person can quote and the operator can find. */
  readonly reference: (req: IncomingMessage) => string;
}

/** Turns whatever a handler threw into our error page with a reference that also stands in the log. Nothing of the request is shown. */
export function createErrorHandler(deps: ErrorHandlerDeps): ErrorRequestHandler {
  return (thrown: unknown, req, res, next) => {
    if (res.headersSent) return next(thrown);
    const error = asIdpError(thrown);
    const { status, page, log } = error.entry;
    const reference = deps.reference(req);
    deps.logger[log](error.code === "INTERNAL" ? "A request failed." : "A request was refused.", {
      error: error.code,
      reference,
      method: req.method,
      path: shortened(req.path),
      ...error.facts,
      cause: error.cause,
    });
    // What was not read of a refused request must not be taken for the next one.
    if (isUnread(req)) res.set("Connection", "close");
    if (status === 503) res.set("Retry-After", "30");
    const { type, body } = draw(deps, req, { kind: page, reference });
    res.status(status).set({ "Cache-Control": "no-store", "Content-Type": type }).send(body);
  };
}

/** A path for the log: an id of a page is named by its beginning, and a token that somebody put there is not kept. */
function shortened(path: string): string {
  return path.slice(0, 256).replaceAll(/([\w.-]{6})[\w.-]{14,}/g, "$1…");
}

/** Express marks with a 4xx status what the sender got wrong, such as a broken percent sequence in a path: no failure of ours. */
function asIdpError(thrown: unknown): IdpError {
  if (thrown instanceof IdpError) return thrown;
  const status = typeof thrown === "object" && thrown !== null && "status" in thrown ? thrown.status : undefined;
  if (typeof status === "number" && status >= 400 && status < 500)
    return new IdpError("REQUEST_REFUSED", { because: "the request could not be read", status });
  return new IdpError("INTERNAL", {}, { cause: thrown });
}

/** The page, or bare words when even that cannot be drawn: Express would answer with a stack. */
function draw(
  { pages, clock, logger }: ErrorHandlerDeps,
  req: Request,
  { kind, reference }: Pick<PageModels["error"], "kind" | "reference">,
): { readonly type: string; readonly body: string } {
  const time = new Date(clock.now()).toISOString();
  try {
    const model = { kind, reference, time, app: undefined, code: undefined, backHref: undefined };
    return { type: "text/html; charset=utf-8", body: pages.render(preferencesOf(req), "error", model) };
  } catch (cause) {
    logger.error("The error page could not be drawn.", { reference, cause });
    return { type: "text/plain; charset=utf-8", body: `Something went wrong on our side. Reference ${reference}\n` };
  }
}

/** For an address that is there, asked in a way it is not for (RFC 9110 section 15.5.6). */
export function methodNotAllowed(allowed: readonly string[]): RequestHandler {
  return (_req, res, next) => {
    res.set("Allow", allowed.join(", "));
    next(new IdpError("METHOD_NOT_ALLOWED"));
  };
}

/** For every address nothing else answered. */
export function notFound(): RequestHandler {
  return (_req, _res, next) => next(new IdpError("NOT_FOUND"));
}
