import { Router } from "express";

/** A router that knows its paths letter by letter: no other case, no slash behind. Everything else is our 404 page. */
export function exactRouter(): Router {
  return Router({ caseSensitive: true, strict: true });
}
