import { Router } from "express";
import type { Store } from "../store/index.ts";

/** `/health/live`: the process answers. `/health/ready`: it can serve people, and is not stopping. */
export function healthRouter({ store, state }: { store: Store; state: { readonly draining: boolean } }): Router {
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
      .json({ status: isReady ? "ready" : "not ready" });
  });
  return router;
}
