/**
 * The account pages at `/account`: what a person sees and changes of their own account. Every change wants a fresh proof, is read back,
 * and leaves an event. Knows applications through the {@link Applications} port.
 */
export { createActivity, withActivity } from "./activity.ts";
export { createPortalGate } from "./gate.ts";
export type { Applications, ConnectedApp, LaunchableApp } from "./ports.ts";
export { portalRouter } from "./router.ts";
