import { Router } from "express";
import type { Store } from "../store/index.ts";

/** `/health/live`: the process answers. `/health/ready`: it can serve people, and is not stopping. */
export function healthRouter({
  store,
  state,
  staleMetadata,
  isConfigStale,
}: {
  store: Store;
  state: { readonly draining: boolean };
  /** How many SAML metadata sources could not be read the last time; their last good copies serve on. */
  staleMetadata: () => number;
  /** The configuration on disk is not the one in use. */
  isConfigStale: () => boolean;
}): Router {
  const router = Router();
  router.get("/health/live", (_req, res) => void res.set("Cache-Control", "no-store").json({ status: "live" }));
  router.get("/health/ready", async (_req, res) => {
    const isReady =
      !state.draining &&
      (await store.ping().then(
        () => true,
        () => false,
      ));
    res
      .status(isReady ? 200 : 503)
      .set("Cache-Control", "no-store")
      .json({
        status: isReady ? "ready" : "not ready",
        stale_metadata: staleMetadata(),
        stale_config: isConfigStale(),
      });
  });
  return router;
}
