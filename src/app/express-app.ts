import express, { type ErrorRequestHandler, type Express, type RequestHandler } from "express";
import { hostGate, notFound, type Pages, requestShape, sameOriginPost } from "../http/index.ts";

/** The parts of the Express application, in the order in which a request meets them. */
export interface AppParts {
  readonly issuer: string;
  readonly pages: Pages;
  readonly trustedProxies: readonly string[];
  /** Answers under every Host: what machines ask for inside of a network. */
  readonly open: readonly RequestHandler[];
  /** Takes POSTs of other sites. */
  readonly crossSite: readonly RequestHandler[];
  /** Takes POSTs of our own pages only. */
  readonly ownSite: readonly RequestHandler[];
  readonly failed: ErrorRequestHandler;
}

export function createApp({ issuer, pages, trustedProxies, open, crossSite, ownSite, failed }: AppParts): Express {
  const app = express();
  app.disable("x-powered-by");
  // No page may be cached, so none needs a validator; static files have their hash in their name.
  app.set("etag", false);
  app.set("trust proxy", trustedProxies);
  app.locals["pages"] = pages;
  app.locals["isSecure"] = issuer.startsWith("https:");
  app.use(requestShape(), ...open, hostGate(issuer), ...crossSite, sameOriginPost(issuer), ...ownSite);
  app.use(notFound(), failed);
  return app;
}
