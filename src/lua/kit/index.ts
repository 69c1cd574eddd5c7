/** The contract kit: properties that hold for every backend, and their judge. Each is a question to a script through the calls of the host. */
export { type Judged, type KitReport, runKit } from "./run.ts";
