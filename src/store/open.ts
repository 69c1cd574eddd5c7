import { IdpError, type World } from "../kernel/index.ts";
import { createMemoryStore } from "./memory.ts";
import type { Store } from "./port.ts";
import { openSqliteStore } from "./sqlite.ts";

/**
 * Opens the store a configuration names: `memory:` or `sqlite:<absolute path>`.
 * @throws IdpError STORE_UNAVAILABLE when it cannot be opened or the name is of another kind.
 */
export async function openStore(location: string, world: World): Promise<Store> {
  if (location === "memory:") return createMemoryStore(world.clock);
  if (location.startsWith("sqlite:")) return openSqliteStore(location.slice("sqlite:".length), world.clock);
  throw new IdpError("STORE_UNAVAILABLE", { because: "unknown kind of store; use memory: or sqlite:<path>" });
}
