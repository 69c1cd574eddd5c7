import type { Clock } from "../../../kernel/index.ts";
import { fromBytes, type LuaValue } from "../../values.ts";
import { requireGrant } from "../grants.ts";
import type { Grants } from "../port.ts";
import { isReadOnly, isSelect, optionOf, parametersOf, statementOf } from "../sql.ts";
import { textOf } from "../text.ts";
import type { Connection, Target } from "./connection.ts";
import { createPool, type Pool } from "./pool.ts";

/** A kind of database server. */
export interface Dialect<Where extends Target> {
  /** Reads a DSN. @throws Error that does not repeat it: it holds a password. */
  parse(dsn: string): Where;
  /** Opens a session with the settings of the DSN; `readOnly` ones change nothing. */
  connect(where: Where, readOnly: boolean): Promise<Connection>;
}

/** The operations of the `db` module with one kind of database. */
export interface Driver {
  /** `args` as the module sends them, the name of the database without the driver. */
  call(grants: Grants, op: string, args: readonly LuaValue[], signal: AbortSignal): Promise<LuaValue>;
  close(): void;
}

/** Databases that are connected to at once; the one unused for longest makes room. */
const POOLS = 32;
const CONNECTIONS = 10;
const MAX_CONNECTIONS = 100;
const MAX_DSN = 2_048;

/** Pools per DSN. Opening and preparing reach no server: it sees a statement when that is run. */
export function createServerDriver<Where extends Target>({
  clock,
  dialect,
}: {
  clock: Clock;
  dialect: Dialect<Where>;
}): Driver {
  const pools = new Map<string, Pool>();
  // A script names its database in every operation.
  const targets = new Map<string, Where>();
  const targetOf = (name: LuaValue | undefined): Where => {
    const dsn = fromBytes(textOf(name, "the DSN"));
    if (dsn.length > MAX_DSN) throw new Error("the DSN is too long");
    const known = targets.get(dsn);
    if (known !== undefined) return known;
    const where = dialect.parse(dsn);
    if (targets.size >= POOLS) targets.clear();
    targets.set(dsn, where);
    return where;
  };
  const poolOf = (name: LuaValue | undefined, where: Where, readOnly: boolean): Pool => {
    const key = `${readOnly ? "r" : "w"}${textOf(name, "the DSN")}`;
    const pool = pools.get(key) ?? createPool({ clock, connect: () => reach(dialect, where, readOnly) });
    pools.delete(key);
    if (pools.size >= POOLS) makeRoom(pools);
    pools.set(key, pool);
    return pool;
  };
  return {
    async call(grants, op, [name, sql, values, width, options], signal) {
      const where = targetOf(name);
      requireGrant(grants, where.grant);
      if (op === "open") return true;
      const statement = statementOf(sql);
      if (op === "prepare") return true;
      const bound = Array.isArray(values) || values instanceof Object ? parametersOf(values, width) : undefined;
      const pool = poolOf(name, where, isReadOnly(options));
      const how = {
        limit: limitOf(optionOf(options, "max_connections")),
        signal,
        keep: keepsSession(statement),
        mayRepeat: op === "query" && isSelect(statement),
      };
      const { columns, rows, ...counts } = await pool.use(how, (connection) => connection.run(statement, bound));
      return op === "query" ? { columns, rows } : { ...counts };
    },
    close() {
      for (const pool of pools.values()) pool.close();
      pools.clear();
    },
  };
}

async function reach<Where extends Target>(
  dialect: Dialect<Where>,
  where: Where,
  readOnly: boolean,
): Promise<Connection> {
  try {
    return await dialect.connect(where, readOnly);
  } catch (error) {
    // Trying several addresses fails with an error that has a code alone.
    const { message = "", code = "" } = error as { message?: string; code?: string };
    throw new Error(`${where.grant} cannot be reached: ${message === "" ? code : message}`, { cause: error });
  }
}

function makeRoom(pools: Map<string, Pool>): void {
  const found = [...pools].find(([, pool]) => pool.isIdle());
  if (found === undefined) throw new Error(`over ${POOLS} databases are in use at once`);
  const [key, pool] = found;
  pool.close();
  pools.delete(key);
}

function limitOf(value: LuaValue | undefined): number {
  return typeof value === "number" && value >= 1 ? Math.min(Math.floor(value), MAX_CONNECTIONS) : CONNECTIONS;
}

const LEADING = /^(?:\s|\(|--[^\n]*\n|\/\*(?![!M]).*?\*\/)*(\w+)/s;
const STATELESS = new Set(
  "select insert update delete replace merge with values table show explain describe desc create alter drop truncate".split(
    " ",
  ),
);
const STATEFUL = /\b(?:temp|temporary|get_lock|set_config|\w*advisory\w*)\b/i;

/** Answers whether a statement leaves nothing in its session that the next one might meet: a variable, a lock, a temporary table. */
function keepsSession(sql: string): boolean {
  return STATELESS.has(LEADING.exec(sql)?.[1]?.toLowerCase() ?? "") && !STATEFUL.test(sql);
}
