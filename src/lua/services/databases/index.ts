/** The databases of scripts. SQLite has a thread of its own, for its calls are synchronous; servers have pools of connections. */
import { type Clock, siblingModule } from "../../../kernel/index.ts";
import type { LuaValue } from "../../values.ts";
import { grantedPath } from "../grants.ts";
import type { Grants } from "../port.ts";
import { textOf } from "../text.ts";
import { createServiceThread } from "../thread.ts";
import { parseMysqlDsn } from "./mysql-dsn.ts";
import { parsePostgresDsn } from "./postgres-dsn.ts";
import { createServerDriver, type Driver } from "./server-driver.ts";

export interface Databases {
  /** `op` is open, prepare, query or exec; the first argument is `driver:dsn`. */
  call(grants: Grants, op: string, args: readonly LuaValue[], signal: AbortSignal): Promise<LuaValue>;
  close(): Promise<void>;
}

/** `queueWait`: milliseconds a statement may wait for SQLite's thread. */
export function createDatabases({ clock, queueWait }: { clock: Clock; queueWait: number }): Databases {
  const sqlite = createServiceThread(siblingModule("../sqlite-thread", import.meta.url));
  // The packages are loaded when a script first uses one.
  const drivers: Readonly<Record<string, Driver>> = {
    sqlite3: {
      call: (grants, op, [path, ...rest]) => sqlite.ask(`db.${op}`, [grantedPath(grants, path), ...rest], queueWait),
      close: () => undefined,
    },
    mysql: createServerDriver({
      clock,
      dialect: {
        parse: parseMysqlDsn,
        connect: async (where, readOnly) => (await import("./mysql.ts")).connectMysql(where, readOnly),
      },
    }),
    postgres: createServerDriver({
      clock,
      dialect: {
        parse: parsePostgresDsn,
        connect: async (where, readOnly) => (await import("./postgres.ts")).connectPostgres(where, readOnly),
      },
    }),
  };
  return {
    async call(grants, op, [name, ...rest], signal) {
      const [, kind = "", dsn = ""] = /^([^:]*):?(.*)$/s.exec(textOf(name, "the database")) ?? [];
      const driver = Object.hasOwn(drivers, kind) ? drivers[kind] : undefined;
      if (driver === undefined)
        throw new Error(`the driver "${kind}" is not available; use ${Object.keys(drivers).join(", ")}`);
      return driver.call(grants, op, [dsn, ...rest], signal);
    },
    async close() {
      for (const driver of Object.values(drivers)) driver.close();
      await sqlite.close();
    },
  };
}
