/** `nauthilus_ldap`: searches, changes and password checks on the servers of `allow.ldap`. */
import { fromBytes, type LuaValue, toBytes } from "../../values.ts";
import { textOf } from "../text.ts";
import { createDirectory, type Directory } from "./directory.ts";
import { endpointOf, grantedDirectory, type LdapGrant, type LdapGrants } from "./grant.ts";
import { changesOf, entriesOf, mergedOf, namesOf, searchOf, type Table, tableOf } from "./requests.ts";

export type { LdapGrants } from "./grant.ts";

export interface LdapService {
  /** `op` is search, modify, bind or endpoint. @throws Error for the script. */
  call(grants: LdapGrants, op: string, args: readonly LuaValue[], signal: AbortSignal): Promise<LuaValue>;
  close(): void;
}

/** A password check may count against an account, so it is no operation to repeat. */
export function ldapReads(op: string): boolean {
  return op === "search" || op === "endpoint";
}

export function createLdapService(): LdapService {
  const directories = new Map<string, Directory>();
  let isClosed = false;
  const directoryOf = (grant: LdapGrant): Directory => {
    const { bind_password, ...rest } = grant;
    const key = JSON.stringify([rest, bind_password?.expose()]);
    const directory = directories.get(key) ?? createDirectory(grant);
    directories.set(key, directory);
    return directory;
  };
  const run = async (grant: LdapGrant, op: string, request: Table, signal: AbortSignal): Promise<LuaValue> => {
    if (isClosed) throw new Error("the program is stopping");
    if (op === "endpoint") return { ...endpointOf(grant) };
    const directory = directoryOf(grant);
    if (op === "search") {
      const { base, options } = searchOf(request);
      const names = namesOf(request["attributes"]);
      const entries = entriesOf(await directory.search(base, options), names);
      return request["raw_result"] === true ? entries : mergedOf(entries, names);
    }
    const dn = fromBytes(textOf(request["dn"], "the dn"));
    if (op === "modify") {
      await directory.modify(dn, changesOf(request));
      return "OK";
    }
    if (op !== "bind") throw new Error(`unknown host operation ldap.${op}`);
    const bytes = textOf(request["password"], "the password");
    const password = fromBytes(bytes);
    // Without a name or a password a server lets anyone in as nobody (RFC 4513 5.1.2); what ends a text in C matches too much.
    if (dn === "" || bytes === "" || bytes.includes("\0") || toBytes(password) !== bytes) return false;
    return directory.verify(dn, password, signal);
  };
  return {
    call: (grants, op, [request], signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("the call ended before the LDAP server answered")), {
          once: true,
        });
        const asked = async () => {
          const table = tableOf(request, "the request");
          return run(
            grantedDirectory(grants, textOf(table["pool_name"] ?? "default", "the pool_name")),
            op,
            table,
            signal,
          );
        };
        asked().then(resolve, reject);
      }),
    close() {
      isClosed = true;
      for (const directory of directories.values()) directory.close();
    },
  };
}
