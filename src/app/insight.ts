import type { RequestHandler } from "express";
import type { Certificates } from "../front/index.ts";
import type { Clock, Secret } from "../kernel/index.ts";
import type { LuaBackends } from "../lua/index.ts";
import type { Store } from "../store/index.ts";
import type { Metrics } from "../telemetry/index.ts";
import type { Surge } from "../throttle/index.ts";
import { healthRouter, staleComponent, storeComponent } from "./health.ts";
import type { LiveConfig } from "./live-config.ts";
import type { LiveScripts } from "./live-scripts.ts";
import { measureLua, measureStaleness, metricsRouter } from "./metrics.ts";

/** What can be seen of the running parts from outside. */
export interface InsightDeps {
  /** For `/metrics`, which is not there without one. */
  readonly token: Secret | undefined;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly state: { readonly draining: boolean };
  readonly store: Store;
  readonly lua: LuaBackends;
  readonly scripts: LiveScripts;
  readonly live: LiveConfig;
  readonly surge: Surge;
  readonly certificates: Certificates;
  /** How many SAML metadata sources could not be read the last time. */
  readonly staleMetadata: () => number;
  /** Names of chores that failed the last time. */
  readonly failingChores: () => readonly string[];
}

/** Registers the gauges; `/metrics` and `/health/…`. */
export function insightRouters(deps: InsightDeps): readonly RequestHandler[] {
  const { token, metrics, clock, state, live, scripts, certificates, staleMetadata } = deps;
  const isConfigStale = live.isStale;
  metrics.gauge("moonlatch_throttle_surge", "1 while unknown browsers have fewer tries", () =>
    Number(deps.surge.wasOn()),
  );
  measureLua(metrics, deps.lua);
  measureStaleness(metrics, { staleMetadata, isConfigStale, certificates, clock });
  const components = [
    storeComponent(deps.store),
    { name: "lua", state: scripts.state },
    staleComponent("config", isConfigStale),
    staleComponent("saml_metadata", () => staleMetadata() > 0),
    staleComponent("keys", () => deps.failingChores().includes("keys")),
    { name: "certificates", state: certificates.state },
  ];
  return [
    ...(token === undefined ? [] : [metricsRouter(metrics, token)]),
    healthRouter({ state, components, staleMetadata, isConfigStale }),
  ];
}
