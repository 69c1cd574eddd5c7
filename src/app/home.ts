import { Router } from "express";
import { exactRouter, methodNotAllowed, route } from "../http/index.ts";
import type { BrowserSessions } from "../login/index.ts";

/** The bare origin: who is signed in, and the way to the account pages. */
export function homeRouter({ sessions }: { sessions: BrowserSessions }): Router {
  const router = exactRouter();
  router.get(
    "/",
    route(async (req, res) => {
      const identity = (await sessions.current(req, res))?.account;
      const who =
        identity === undefined
          ? undefined
          : { name: identity.display_name, account: identity.name, switchHref: undefined };
      return { kind: "page", name: "home", model: { who, signOutHref: "/oidc/logout" } };
    }),
  );
  router.all("/", methodNotAllowed(["GET"]));
  return router;
}
