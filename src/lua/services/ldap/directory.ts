import { type Change, type Client, InvalidCredentialsError, type SearchOptions } from "ldapts";
import { connectLdap, type LdapConnection } from "./connection.ts";
import { resultCode, told } from "./errors.ts";
import { endpointOf, type LdapGrant } from "./grant.ts";

export interface Found {
  readonly dn: string;
  readonly attributes: Readonly<Record<string, readonly (string | Buffer)[]>>;
}

/** A configured LDAP server. Everything rejects with an error for the script. */
export interface Directory {
  /** Entries, over all pages. Referrals are not followed. */
  search(base: string, options: SearchOptions): Promise<readonly Found[]>;
  /** All changes of an entry or none. */
  modify(dn: string, changes: Change[]): Promise<void>;
  /** Answers whether the password is that of the entry. Not for an empty one (RFC 4513 5.1.2). */
  verify(dn: string, password: string, signal: AbortSignal): Promise<boolean>;
  close(): void;
}

const ENTRIES = 10_000;
const BYTES = 8 * 1024 * 1024;
const PAGE = 500;
/** Seconds the server may take for a search. */
const SEARCH = 10;
/** No such entry, or one that cannot sign in with a password. */
const NO_MATCH = new Set([32, 48]);

export function createDirectory(grant: LdapGrant): Directory {
  const { host, port } = endpointOf(grant);
  const server = `${host}:${port}`;
  const waiting: (() => void)[] = [];
  let free = grant.connections;
  let shared: Promise<LdapConnection> | undefined;
  let isClosed = false;

  const connect = async (): Promise<LdapConnection> => {
    const connection = await connectLdap(grant);
    const { bind_dn, bind_password } = grant;
    if (bind_dn === undefined || bind_password === undefined) return connection;
    try {
      await connection.client.bind(bind_dn, bind_password.expose());
      return connection;
    } catch (error) {
      connection.end();
      throw error instanceof InvalidCredentialsError ? new Error("bind_dn or bind_password is wrong") : error;
    }
  };
  /** One connection for searches and changes, made anew after it was lost; answers are told apart by their number. */
  const withShared = async <Value>(work: (client: Client) => Promise<Value>): Promise<Value> => {
    if (isClosed) throw new Error("the program is stopping");
    const last = shared;
    const known = await last?.catch(() => undefined);
    if (known?.isOpen() !== true && shared === last) shared = connect();
    const used = (shared ??= connect());
    try {
      return await work((await used).client);
    } catch (error) {
      // What the server refused has nothing to do with the connection.
      if (resultCode(error) === undefined && shared === used) {
        shared = undefined;
        used.then(
          ({ end }) => end(),
          () => undefined,
        );
      }
      throw told(error, server);
    }
  };
  /** Password checks wait for one of the connections; whose turn it is goes by the order they came in. */
  const inTurn = async <Value>(work: () => Promise<Value>): Promise<Value> => {
    if (free > 0) free -= 1;
    else await new Promise<void>((resolve) => void waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
  return {
    async search(base, options) {
      const found = await withShared((client) => allPages(client, base, options));
      if (found === undefined)
        throw new Error(`the search found over ${ENTRIES} entries or 8 MB; make its filter narrower`);
      return found;
    },
    modify: (dn, changes) => withShared((client) => client.modify(dn, changes)),
    verify: (dn, password, signal) =>
      inTurn(async () => {
        if (isClosed || signal.aborted) throw new Error("nobody waits for the answer any more");
        const connection = await connectLdap(grant).catch((error: unknown) => {
          throw told(error, server);
        });
        try {
          await connection.client.bind(dn, password);
          return true;
        } catch (error) {
          if (error instanceof InvalidCredentialsError || NO_MATCH.has(resultCode(error) ?? 0)) return false;
          throw told(error, server);
        } finally {
          connection.end();
        }
      }),
    close() {
      isClosed = true;
      shared?.then(
        ({ end }) => end(),
        () => undefined,
      );
    },
  };
}

/** Nothing when it is too much. */
async function allPages(client: Client, base: string, options: SearchOptions): Promise<readonly Found[] | undefined> {
  const found: Found[] = [];
  let bytes = 0;
  const pages = client.searchPaginated(base, {
    timeLimit: SEARCH,
    derefAliases: "never",
    ...options,
    paged: { pageSize: PAGE },
  });
  for await (const { searchEntries } of pages)
    for (const { dn, ...attributes } of searchEntries) {
      const entry = { dn, attributes: valuesOf(attributes) };
      bytes += sizeOf(entry);
      if (found.length >= ENTRIES || bytes > BYTES) return undefined;
      found.push(entry);
    }
  return found;
}

function valuesOf(
  attributes: Readonly<Record<string, Buffer | Buffer[] | string[] | string>>,
): Readonly<Record<string, readonly (string | Buffer)[]>> {
  return Object.fromEntries(
    Object.entries(attributes).map(([name, values]) => [name, Array.isArray(values) ? values : [values]]),
  );
}

function sizeOf({ dn, attributes }: Found): number {
  return Object.values(attributes)
    .flat()
    .reduce((sum, value) => sum + value.length, dn.length);
}
