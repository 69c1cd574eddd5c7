/** The sockets in front of the application: addresses, limits of connections and time. */
export { type ConnectionGate, createConnectionGate } from "./connections.ts";
export { type ListenDeps, type Listening, listen } from "./listen.ts";
