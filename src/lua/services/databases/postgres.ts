import { once } from "node:events";
import { connect as connectSocket } from "node:net";
import { Client, type ClientConfig, Query, type Result, types } from "pg";
import { type LuaValue, latin1, toBytes } from "../../values.ts";
import { createRows, exact, type Parameter } from "../sql.ts";
import {
  type Answer,
  type Connection,
  ConnectionLost,
  epochSeconds,
  OPEN_TRANSACTION,
  type Target,
} from "./connection.ts";

/** Milliseconds a server has for taking note of a cancelled statement. */
const CANCEL_TIMEOUT = 1_000;
const CANCEL_REQUEST = 80_877_102;
/** The texts that are read below have these forms whatever the server's own settings are. */
const FORMS = [
  ["datestyle", "ISO, MDY"],
  ["bytea_output", "hex"],
] as const;

/** A session at PostgreSQL. */
export async function connectPostgres(where: Target, readOnly: boolean): Promise<Connection> {
  const { address, user, password, database } = where;
  const client = new Client({
    ...("path" in address ? socketOf(address.path) : address),
    user,
    // A function, for without a password of its own the package would look for one in the environment and in files.
    password: () => password,
    database,
    ssl: sslOf(where.tls),
    connectionTimeoutMillis: where.connectTimeout,
    keepAlive: true,
    types: { getTypeParser: (oid) => CELLS.get(oid) ?? toBytes },
  });
  const connection = new PostgresConnection(client, where);
  try {
    await client.connect();
    const settings = [
      ...FORMS,
      ...where.settings,
      ...(readOnly ? [["default_transaction_read_only", "on"] as const] : []),
    ];
    const places = settings.map((_, index) => `set_config($${2 * index + 1}, $${2 * index + 2}, false)`);
    await connection.run(`SELECT ${places.join(", ")}`, settings.flat());
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}

/** The package has the folder as the host, and makes the file's name from the port. */
function socketOf(path: string): { host: string; port: number } {
  const end = path.lastIndexOf("/");
  return { host: path.slice(0, end), port: Number(path.slice(path.lastIndexOf(".") + 1)) };
}

function sslOf(tls: Target["tls"]): ClientConfig["ssl"] {
  if (tls === "off") return false;
  if (tls === "chain") return { rejectUnauthorized: true, checkServerIdentity: () => undefined };
  return { rejectUnauthorized: tls === "full" };
}

class PostgresConnection implements Connection {
  readonly #client: Client;
  readonly #address: Target["address"];
  #isReusable = true;
  #isClosed = false;

  constructor(client: Client, { address }: Target) {
    this.#client = client;
    this.#address = address;
    const lose = (): void => {
      this.#isReusable = false;
    };
    // Also what keeps an error between two statements from ending the program.
    client.on("error", lose);
    client.on("end", lose);
  }

  isReusable = (): boolean => this.#isReusable;

  async run(sql: string, values: readonly Parameter[] | undefined): Promise<Answer> {
    try {
      const answer = await this.#answer(sql, values ?? []);
      if (this.#client.getTransactionStatus() === "I") return answer;
    } catch (error) {
      const { severity, message } = error as { severity?: string; message: string };
      // As Go's driver writes it.
      if (severity === "ERROR") throw new Error(`pq: ${message}`, { cause: error });
      this.#isReusable = false;
      throw this.#isClosed ? error : new ConnectionLost(message, { cause: error });
    }
    this.close();
    throw new Error(OPEN_TRANSACTION);
  }

  #answer(text: string, values: readonly Parameter[]): Promise<Answer> {
    // The extended protocol takes one statement alone; it has no name, so that none of them stays with the server.
    const query = new Query({ text, values: values.map(parameter), rowMode: "array", queryMode: "extended" });
    const rows = createRows();
    return new Promise((resolve, reject) => {
      query.on("row", (row: LuaValue[]) => {
        try {
          rows.add(row);
        } catch (error) {
          this.close();
          reject(error instanceof Error ? error : new Error("failed"));
        }
      });
      query.on("error", reject);
      query.on("end", ({ fields, rowCount }: Result) =>
        resolve({
          columns: fields.map(({ name }) => toBytes(name)),
          rows: rows.all,
          rows_affected: rowCount ?? 0,
          last_insert_id: null,
        }),
      );
      this.#client.query(query);
    });
  }

  async cancel(): Promise<void> {
    const { processID, secretKey } = this.#client;
    this.close();
    if (processID === null || secretKey === null) return;
    const request = Buffer.alloc(16);
    for (const [index, part] of [16, CANCEL_REQUEST, processID, secretKey].entries())
      request.writeInt32BE(part, index * 4);
    const address = this.#address;
    const socket = "path" in address ? connectSocket(address.path) : connectSocket(address.port, address.host);
    socket.end(request);
    try {
      // The server hangs up once it has taken note.
      socket.resume();
      await once(socket, "close", { signal: AbortSignal.timeout(CANCEL_TIMEOUT) });
    } catch {
      // A server that cannot be reached finds out by itself.
    }
    socket.destroy();
  }

  close(): void {
    this.#isReusable = false;
    this.#isClosed = true;
    this.#client.end().catch(() => undefined);
  }
}

/** Numbers as text: the server knows which type it wants. */
function parameter(value: Parameter): unknown {
  return typeof value === "number" || typeof value === "bigint" ? String(value) : value;
}

const integer = (text: string): LuaValue => exact(BigInt(text));
const timestamp = (text: string): LuaValue => {
  const parts =
    /^(\d{4,})-(\d\d)-(\d\d)(?: (\d\d):(\d\d):(\d\d(?:\.\d+)?)(?:([+-]\d\d)(?::(\d\d))?(?::(\d\d))?)?)?$/.exec(text);
  // Before Christ, and the two infinities.
  if (parts === null) return text;
  const [year = 0, month = 0, day = 0, hours = 0, minutes = 0, seconds = 0] = parts
    .slice(1, 7)
    .map((part) => Number(part ?? 0));
  const offset = Number(parts[8] ?? 0) * 60 + Number(parts[9] ?? 0);
  const zone = Number(parts[7] ?? 0) * 3600 + (parts[7]?.startsWith("-") === true ? -offset : offset);
  return epochSeconds(year, month, day, hours * 3600 + minutes * 60 + seconds - zone);
};

/** How the texts of a type become values, by the number of the type; every other type stays text. */
const SCALARS: readonly (readonly [oid: number, array: number, read: (text: string) => LuaValue])[] = [
  [16, 1000, (text) => text === "t"],
  [17, 1001, (text) => latin1(Buffer.from(text.slice(2), "hex"))],
  [20, 1016, integer],
  [21, 1005, integer],
  [23, 1007, integer],
  [26, 1028, integer],
  [700, 1021, Number],
  [701, 1022, Number],
  [1082, 1182, timestamp],
  [1114, 1115, timestamp],
  [1184, 1185, timestamp],
  // Text: "char", name, text, bpchar, varchar, numeric, uuid, json, jsonb.
  ...[
    [18, 1002],
    [19, 1003],
    [25, 1009],
    [1042, 1014],
    [1043, 1015],
    [1700, 1231],
    [2950, 2951],
    [114, 199],
    [3802, 3807],
  ].map(([oid = 0, array = 0]) => [oid, array, toBytes] as const),
];
const CELLS = new Map<number, (text: string) => LuaValue>(
  SCALARS.flatMap(([oid, array, read]) => [
    [oid, read],
    [array, (text: string) => types.arrayParser.create(text, read).parse() as LuaValue],
  ]),
);
