import { IdpError, type World } from "../kernel/index.ts";
import { createMemoryStore } from "./memory.ts";
import type { Store } from "./port.ts";
import { openSqliteStore } from "./sqlite.ts";

const SQLITE = "sqlite:";

/** The file behind a store, for what is done with files; `undefined` for a store that is none. */
export function fileOfStore(location: string): string | undefined {
  return location.startsWith(SQLITE) ? location.slice(SQLITE.length) : undefined;
}

/**
 * Opens the store a configuration names: `memory:` or `sqlite:<absolute path>`.
 * @throws IdpError STORE_UNAVAILABLE when it cannot be opened or the name is of another kind.
 */
export async function openStore(location: string, world: World): Promise<Store> {
  if (location === "memory:") return createMemoryStore(world.clock);
  const file = fileOfStore(location);
  if (file !== undefined) return openSqliteStore(file, world.clock);
  throw new IdpError("STORE_UNAVAILABLE", { because: "unknown kind of store; use memory: or sqlite:<path>" });
}
