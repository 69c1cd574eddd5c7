/**
 * What scripts need from outside their thread: databases, password hashes on a thread of their own, HTTP, Redis, LDAP, the cache and the clock here.
 * No operation holds anything over its end, so a call that waits never keeps another from going on.
 */
import { siblingModule, type World } from "../../kernel/index.ts";
import type { ScriptMetrics } from "../../telemetry/index.ts";
import { createCache } from "./cache.ts";
import { createDatabases } from "./databases/index.ts";
import { readGranted } from "./files.ts";
import { createHttpService } from "./http-client/index.ts";
import { createLdapService, ldapReads } from "./ldap/index.ts";
import { createMetricsService } from "./metrics.ts";
import type { HostServices } from "./port.ts";
import { createRedisService, redisReads } from "./redis/index.ts";
import { isSelect } from "./sql.ts";
import { createServiceThread } from "./thread.ts";

/** Milliseconds a password check or a statement may wait for its thread; then it is a temporary failure. */
const QUEUE_WAIT = 5_000;

/** Operations that may run twice without a difference. Everything else counts as a change. */
const READS = new Set([
  "password.compare",
  "time.sleep",
  "db.open",
  "db.prepare",
  "file.read",
  "cache.get",
  "cache.exists",
  "cache.keys",
  "cache.size",
]);

/** The services behind the modules of scripts. */
export function createHostServices({
  world,
  metrics,
}: {
  world: World;
  /** Absent: what scripts count goes nowhere. */
  metrics?: ScriptMetrics;
}): HostServices {
  const databases = createDatabases({ clock: world.clock, queueWait: QUEUE_WAIT });
  const hashes = createServiceThread(siblingModule("./hash-thread", import.meta.url));
  const cache = createCache(world.clock);
  const count = createMetricsService(metrics);
  const http = createHttpService();
  const redis = createRedisService();
  const ldap = createLdapService();
  return {
    async call(grants, op, args, signal) {
      if (op.startsWith("db.")) return databases.call(grants, op.slice("db.".length), args, signal);
      if (op === "password.compare") return hashes.ask(op, args, QUEUE_WAIT);
      if (op === "file.read") return readGranted(grants, args[0]);
      if (op === "http.send") return http.send(grants, args[0], signal);
      if (op.startsWith("metrics.")) return count(grants, op.slice("metrics.".length), args);
      if (op.startsWith("redis.")) return redis.call(grants.redis ?? {}, op.slice("redis.".length), args, signal);
      if (op.startsWith("ldap.")) return ldap.call(grants.ldap ?? {}, op.slice("ldap.".length), args, signal);
      if (op.startsWith("cache.")) return cache(op.slice("cache.".length), args);
      if (op === "time.sleep") {
        await world.clock.sleep(Math.max(Number(args[0]) || 0, 0) * 1000, signal);
        return null;
      }
      throw new Error(`unknown host operation ${op}`);
    },
    isReadOnly: (op, args) =>
      READS.has(op) ||
      op.startsWith("metrics.") ||
      (op.startsWith("ldap.") && ldapReads(op.slice("ldap.".length))) ||
      (op.startsWith("redis.") && redisReads(op.slice("redis.".length), args)) ||
      (op === "db.query" && isSelect(args[1])) ||
      (op === "http.send" && http.isReadOnly(args[0])),
    async close() {
      http.close();
      redis.close();
      ldap.close();
      await Promise.all([databases.close(), hashes.close()]);
    },
  };
}
