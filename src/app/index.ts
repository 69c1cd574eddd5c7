/** The composition root: makes a running provider of a configuration. The one folder that may import every other. */
export { composeIdp, type Idp } from "./compose.ts";
export { composeFactors, openSealer, SealingKeyError } from "./factors.ts";
export { realWorld } from "./world.ts";
