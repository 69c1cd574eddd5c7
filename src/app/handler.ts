import type { RequestListener } from "node:http";
import type { Express } from "express";
import { closeUnread, isWellFormed, ownHost, securityHeaders } from "../http/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { Oidc } from "../oidc/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import { measureRequests } from "./metrics.ts";

/**
 * What every request meets first. One that oidc-provider serves, and with which nothing is wrong, skips Express: its router would
 * cost as much as a fifth of an introspection. All others go there, also to be refused.
 */
export function createHandler({
  app,
  oidc,
  issuer,
  metrics,
  clock,
}: {
  readonly app: Express;
  readonly oidc: Oidc;
  readonly issuer: string;
  readonly metrics: Metrics;
  readonly clock: Clock;
}): RequestListener {
  const measure = measureRequests(metrics, clock);
  const setHeaders = securityHeaders({ issuer });
  const isOwn = ownHost(issuer);
  return (req, res) => {
    measure(req, res);
    setHeaders(req, res);
    if (!oidc.serves(req) || !isWellFormed(req) || !isOwn(req)) return void app(req, res);
    closeUnread(req, res);
    oidc.handle(req, res);
  };
}
