import { readFileSync } from "node:fs";
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { type ConnectionOptions, connect as connectTls } from "node:tls";
import { Client } from "ldapts";
import { endpointOf, type LdapGrant } from "./grant.ts";

export interface LdapConnection {
  readonly client: Client;
  readonly isOpen: () => boolean;
  readonly end: () => void;
}

/** Milliseconds. An operation that takes longer ends its connection. */
const CONNECT = 3_000;
const OPERATION = 10_000;

/**
 * Connects without authentication; TLS and the certificate are settled before anything else is said.
 * @throws Error with the words of the system or of TLS.
 */
export async function connectLdap(grant: LdapGrant): Promise<LdapConnection> {
  const { host, port } = endpointOf(grant);
  let socket: Socket | undefined;
  let isOpen = true;
  // The library would connect again by itself, without TLS and as nobody. A connection of ours lives once.
  const once = (made: () => Socket): Socket => {
    if (socket !== undefined) throw new Error("the connection to the LDAP server was lost");
    socket = made();
    return socket.on("close", () => void (isOpen = false));
  };
  const trusted: ConnectionOptions = {
    host,
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(grant.ca_file === undefined ? {} : { ca: readFileSync(grant.ca_file, "utf8") }),
  };
  const client = new Client({
    url: grant.url,
    timeout: OPERATION,
    connectTimeout: CONNECT,
    createConnection: () => once(() => connectPlain(port, host)),
    ...(grant.starttls
      ? {}
      : {
          createSecureConnection: (() => once(() => connectTls({ ...trusted, port }))) as unknown as typeof connectTls,
        }),
  });
  const end = (): void => void socket?.destroy();
  if (grant.starttls) {
    const late = setTimeout(() => socket?.destroy(new Error("StartTLS took too long")), CONNECT);
    try {
      await client.startTLS(trusted);
    } catch (error) {
      end();
      throw error;
    } finally {
      clearTimeout(late);
    }
  }
  return { client, isOpen: () => isOpen, end };
}
