import type { ErrorRequestHandler, RequestHandler } from "express";
import { type Clock, IdpError } from "../kernel/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { preferencesOf } from "./language.ts";
import type { Pages } from "./pages.ts";

/** Turns whatever a handler threw into our error page with a reference that also stands in the log. Nothing of the request is shown. */
export function createErrorHandler(deps: {
  pages: Pages;
  logger: Logger;
  clock: Clock;
  reference: (req: object) => string;
}): ErrorRequestHandler {
  const { pages, logger, clock } = deps;
  return (thrown: unknown, req, res, next) => {
    if (res.headersSent) return next(thrown);
    const error = thrown instanceof IdpError ? thrown : new IdpError("INTERNAL", {}, { cause: thrown });
    const { status, page, log } = error.entry;
    const reference = deps.reference(req);
    logger[log](error.code === "INTERNAL" ? "A request failed." : "A request was refused.", {
      error: error.code,
      reference,
      method: req.method,
      path: req.path,
      ...error.facts,
      cause: error.cause,
    });
    res
      .status(status)
      .set({
        "Cache-Control": "no-store",
        "Content-Type": "text/html; charset=utf-8",
        ...(status === 503 ? { "Retry-After": "30" } : {}),
      });
    const model = {
      kind: page,
      app: undefined,
      reference,
      time: new Date(clock.now()).toISOString(),
      code: undefined,
      backHref: undefined,
    };
    // What was not read of a refused request must not be taken for the next one.
    if (!req.complete) res.set("Connection", "close");
    res.send(pages.render(preferencesOf(req), "error", model));
  };
}

/** For every address nothing else answered. */
export function notFound(): RequestHandler {
  return (_req, _res, next) => next(new IdpError("NOT_FOUND"));
}
