import { Router } from "express";
import { exactRouter } from "../http/index.ts";
import type { Store } from "../store/index.ts";

/** "stale": what is on disk cannot be used, the last good one serves on. "down": people cannot be served. */
export type ComponentState = "ok" | "stale" | "expired" | "down";

/** A part whose state operators ask for. */
export interface Component {
  readonly name: string;
  readonly state: () => ComponentState | Promise<ComponentState>;
}

export interface HealthDeps {
  readonly state: { readonly draining: boolean };
  readonly components: readonly Component[];
  /** How many SAML metadata sources could not be read the last time; their last good copies serve on. */
  readonly staleMetadata: () => number;
  /** The configuration on disk is not the one in use. */
  readonly isConfigStale: () => boolean;
}

/** `/health/live`: the process answers. `/health/ready`: no component is down, and it is not stopping. */
export function healthRouter({ state, components, staleMetadata, isConfigStale }: HealthDeps): Router {
  const router = exactRouter();
  router.get("/health/live", (_req, res) => void res.set("Cache-Control", "no-store").json({ status: "live" }));
  router.get("/health/ready", async (_req, res) => {
    const states = await Promise.all(components.map(async (one) => [one.name, await one.state()] as const));
    const isReady = !state.draining && states.every(([, word]) => word !== "down");
    res
      .status(isReady ? 200 : 503)
      .set("Cache-Control", "no-store")
      .json({
        status: isReady ? "ready" : "not ready",
        stale_metadata: staleMetadata(),
        stale_config: isConfigStale(),
        components: Object.fromEntries(states),
      });
  });
  return router;
}

export function storeComponent(store: Store): Component {
  return {
    name: "store",
    state: () =>
      store.ping().then(
        () => "ok",
        () => "down",
      ),
  };
}

/** A part that goes on with what it had when it cannot take over something new. */
export function staleComponent(name: string, isStale: () => boolean): Component {
  return { name, state: () => (isStale() ? "stale" : "ok") };
}
