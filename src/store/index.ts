/**
 * Where the provider keeps its own facts. One port, adapters behind {@link openStore}; one contract suite holds for all of them.
 * Nothing here knows what the facts mean.
 */
export { fileOfStore, openStore } from "./open.ts";
export type { Counter, JsonObject, PutOptions, Store, StoredRecord } from "./port.ts";
export { backupStore, checkStore, type RestoreOptions, restoreStore, type StoreReport } from "./sqlite-maintenance.ts";
