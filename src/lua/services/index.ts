import type { World } from "../../kernel/index.ts";
import type { LuaValue } from "../values.ts";
import { createCache } from "./cache.ts";
import type { Grants, HostServices } from "./port.ts";
import { createServiceThread } from "./thread.ts";

/** Milliseconds a password check may wait for the hash thread; then it is a temporary failure. */
const QUEUE_WAIT = 5_000;

/** The services behind the modules of scripts: databases and hashes on threads of their own, the cache here. */
export function createHostServices({ world }: { world: World }): HostServices {
  const sqlite = createServiceThread(new URL("./sqlite-thread.ts", import.meta.url));
  const hashes = createServiceThread(new URL("./hash-thread.ts", import.meta.url));
  const cache = createCache(world.clock);
  return {
    async call(grants, op, args, signal) {
      if (op.startsWith("db.")) return sqlite.ask(op, [granted(grants, args[0]), ...args.slice(1)], QUEUE_WAIT);
      if (op === "password.compare") return hashes.ask(op, args, QUEUE_WAIT);
      if (op.startsWith("cache.")) return cache(op.slice("cache.".length), args);
      if (op === "time.sleep") {
        await world.clock.sleep(Math.max(Number(args[0]) || 0, 0) * 1000, signal);
        return null;
      }
      throw new Error(`unknown host operation ${op}`);
    },
    isReadOnly: (op, args) =>
      op === "password.compare" ||
      op === "time.sleep" ||
      op === "db.open" ||
      op === "db.prepare" ||
      op === "cache.get" ||
      (op === "db.query" && isSelect(args[1])),
    async close() {
      await Promise.all([sqlite.close(), hashes.close()]);
    },
  };
}

function isSelect(sql: LuaValue | undefined): boolean {
  return typeof sql === "string" && /^\s*select\b/i.test(sql);
}

/** The path of a granted database. A relative address is the one whose end it is. */
function granted({ databases }: Grants, name: LuaValue | undefined): string {
  const wanted = String(name);
  if (!wanted.startsWith("sqlite3:"))
    throw new Error(`the driver of "${wanted.split(":", 1)[0] ?? ""}" is not available; use sqlite3`);
  const address = wanted.slice("sqlite3:".length);
  const plain = address
    .replace(/^file:/, "")
    .replace(/\?.*$/s, "")
    .replace(/^\.\//, "");
  const found = databases.find(
    (database) =>
      database === `sqlite3:${plain}` ||
      (!plain.startsWith("/") && !plain.includes("..") && database.endsWith(`/${plain}`)),
  );
  if (found === undefined)
    throw new Error(
      `the database ${address} is not granted; add "sqlite3:${address}" to allow.databases of this backend`,
    );
  return found.slice("sqlite3:".length);
}
