/**
 * Where the provider keeps its own facts. One port, adapters behind {@link openStore}; one contract suite holds for all of them.
 * Nothing here knows what the facts mean.
 */
export { openStore } from "./open.ts";
export type { Counter, JsonObject, PutOptions, Store, StoredRecord } from "./port.ts";
