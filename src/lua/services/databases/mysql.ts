import { connect, type Socket } from "node:net";
import mysql from "mysql2";
import { parseGo } from "../../go-time.ts";
import { type LuaValue, latin1, toBytes } from "../../values.ts";
import { createRows, type Parameter } from "../sql.ts";
import { type Answer, type Connection, ConnectionLost, OPEN_TRANSACTION } from "./connection.ts";
import type { MysqlTarget } from "./mysql-dsn.ts";

interface Session {
  readonly mysql: ReturnType<typeof mysql.createConnection>;
  /** Ours, for the package only ends its side and waits for the server to do the same. */
  readonly socket: Socket;
}
type Field = Parameters<Extract<mysql.TypeCast, (...args: never[]) => unknown>>[0];

/** Server status in the packet that ends a statement without rows. */
const IN_TRANSACTION = 1;
/** Statements a session keeps prepared. */
const STATEMENTS = 100;
/** Milliseconds a server has for ending a session. */
const KILL_TIMEOUT = 1_000;
const TIMES = new Set(["DATE", "DATETIME", "NEWDATE", "TIMESTAMP"]);
const NUMBERS = new Set(["TINY", "SHORT", "LONG", "INT24", "LONGLONG", "YEAR", "FLOAT", "DOUBLE", "TIME", "NULL"]);
/** What Go has for a date of zeros: the first of January of the year 1. */
const NO_TIME = -62_135_596_800;

/** A session at MySQL or MariaDB. */
export async function connectMysql(where: MysqlTarget, readOnly: boolean): Promise<Connection> {
  const session = await open(where, where.connectTimeout);
  const connection = new MysqlConnection(session, where);
  try {
    for (const [name, value] of where.settings) await connection.run(`SET SESSION ${name} = ${value}`, undefined);
    if (readOnly) await connection.run("SET SESSION TRANSACTION READ ONLY", undefined);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

function open(where: MysqlTarget, connectTimeout: number): Promise<Session> {
  const { address, user, password, database, tls, foundRows } = where;
  const socket = "path" in address ? connect(address.path) : connect(address.port, address.host);
  socket.setNoDelay(true).setKeepAlive(true);
  const session = mysql.createConnection({
    stream: socket,
    // The name that the certificate must have.
    ...("path" in address ? {} : { host: address.host }),
    user,
    password,
    database,
    ...(tls === "off" ? {} : { ssl: { rejectUnauthorized: tls !== "unverified", verifyIdentity: tls === "full" } }),
    connectTimeout,
    charset: "utf8mb4_unicode_ci",
    flags: [foundRows ? "+FOUND_ROWS" : "-FOUND_ROWS", "-LOCAL_FILES"],
    disableEval: true,
    supportBigNumbers: true,
    dateStrings: true,
    maxPreparedStatements: STATEMENTS,
  });
  return new Promise((resolve, reject) => {
    session.once("connect", () => resolve({ mysql: session, socket }));
    // Stays: an error without a listener would end the program.
    session.on("error", (error: Error) => {
      reject(error);
      socket.destroy();
    });
    session.once("end", () => {
      reject(new Error("the server hung up"));
      socket.destroy();
    });
  });
}

class MysqlConnection implements Connection {
  readonly #session: Session;
  readonly #where: MysqlTarget;
  #isReusable = true;
  #fail: ((error: Error) => void) | undefined;

  constructor(session: Session, where: MysqlTarget) {
    this.#session = session;
    this.#where = where;
    const lose = (error?: Error): void => {
      this.#isReusable = false;
      this.#fail?.(new ConnectionLost(error?.message ?? "the server hung up", { cause: error }));
    };
    session.mysql.on("error", lose);
    session.mysql.on("end", () => lose());
  }

  isReusable = (): boolean => this.#isReusable;

  async run(sql: string, values: readonly Parameter[] | undefined): Promise<Answer> {
    try {
      return await this.#answer(sql, values);
    } catch (error) {
      const { errno, sqlState, sqlMessage = "" } = error as { errno?: number; sqlState?: string; sqlMessage?: string };
      // As Go's driver writes it.
      if (sqlState !== undefined) throw new Error(`Error ${errno} (${sqlState}): ${sqlMessage}`, { cause: error });
      this.close();
      throw error;
    } finally {
      this.#fail = undefined;
    }
  }

  #answer(sql: string, values: readonly Parameter[] | undefined): Promise<Answer> {
    const session = this.#session.mysql;
    const { parseTime, zone } = this.#where;
    const options = { sql, rowsAsArray: true };
    const time = (text: string): LuaValue => (parseTime ? secondsOf(text, zone) : text);
    const command =
      values === undefined
        ? session.query({ ...options, typeCast: (field: Field) => textCell(field, time) })
        : session.execute({
            ...options,
            values: [...values],
            typeCast: (field: Field, next: () => unknown) => binaryCell(field, next, time),
          });
    const rows = createRows();
    let columns: readonly string[] = [];
    let last: { affectedRows: number; insertId: number | string; serverStatus: number } | undefined;
    return new Promise((resolve, reject) => {
      this.#fail = reject;
      command.on("error", reject);
      command.on("fields", (fields: readonly { readonly name: string }[] | undefined) => {
        if (columns.length === 0 && fields !== undefined) columns = fields.map(({ name }) => toBytes(name));
      });
      command.on("result", (row: LuaValue[] | NonNullable<typeof last>, index?: number) => {
        if (!Array.isArray(row)) {
          last = row;
          return;
        }
        if ((index ?? 0) > 0) return;
        try {
          rows.add(row);
        } catch (error) {
          this.close();
          reject(error instanceof Error ? error : new Error("failed"));
        }
      });
      command.on("end", () => {
        const { affectedRows = 0, insertId = 0, serverStatus = 0 } = last ?? {};
        if ((serverStatus & IN_TRANSACTION) === 0)
          return resolve({ columns, rows: rows.all, rows_affected: affectedRows, last_insert_id: insertId });
        this.close();
        return reject(new Error(OPEN_TRANSACTION));
      });
    });
  }

  async cancel(): Promise<void> {
    this.close();
    try {
      const { mysql: other, socket } = await open(this.#where, KILL_TIMEOUT);
      await new Promise((resolve) => {
        other.once("error", resolve);
        other.query({ sql: `KILL ${this.#session.mysql.threadId}`, timeout: KILL_TIMEOUT }, resolve);
      });
      socket.destroy();
    } catch {
      // A server that cannot be reached finds out by itself.
    }
  }

  close(): void {
    const { mysql: session, socket } = this.#session;
    const isQuiet = this.#isReusable && this.#fail === undefined;
    this.#isReusable = false;
    if (isQuiet) {
      // Servers write down who leaves without a word.
      session.end();
      socket.setTimeout(KILL_TIMEOUT, () => socket.destroy());
    } else socket.destroy();
  }
}

/** The text protocol gives every column as text. */
function textCell(field: Field, time: (text: string) => LuaValue): LuaValue {
  const bytes = field.buffer();
  if (bytes === null) return null;
  return TIMES.has(field.type) ? time(latin1(bytes)) : latin1(bytes);
}

function binaryCell(field: Field, next: () => unknown, time: (text: string) => LuaValue): LuaValue {
  if (TIMES.has(field.type)) {
    const text = next();
    return typeof text === "string" ? time(text) : null;
  }
  if (NUMBERS.has(field.type)) {
    const value = next();
    return typeof value === "number" || typeof value === "string" ? value : null;
  }
  const bytes = field.buffer();
  return bytes === null ? null : latin1(bytes);
}

function secondsOf(text: string, zone: string): number {
  if (text.startsWith("0000-00-00")) return NO_TIME;
  const isDay = text.length === "2006-01-02".length;
  const seconds = parseGo(text.slice(0, 19), isDay ? "2006-01-02" : "2006-01-02 15:04:05", zone);
  return seconds + Number(`0${text.slice(19)}`);
}
