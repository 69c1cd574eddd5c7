import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import type { LookupFunction } from "node:net";
import { createSecureContext, getCACertificates } from "node:tls";
import { Refused } from "./failure.ts";
import { type Address, createReach, type Reach } from "./reach.ts";

/** All addresses of a name. */
export type Resolve = (name: string) => Promise<readonly Address[]>;

/** The connections of backends with the same grants: an address is checked before a connection to it is made, and kept ones are theirs alone. */
export interface Outlet {
  readonly reach: Reach;
  isTls(url: URL): boolean;
  agentFor(url: URL): http.Agent;
  /** Gives addresses that may be connected to, and those are. */
  lookupFor(port: number): LookupFunction;
  close(): void;
}

/** Connections are kept for less time than common servers keep them. Proxies named by the environment are not asked. */
const POOL = { keepAlive: true, maxSockets: 16, maxTotalSockets: 128, maxFreeSockets: 4, timeout: 4_000 };

/** @throws Error when the file of authorities cannot be read. */
export function createOutlet(hosts: readonly string[], caFile: string | undefined, resolve: Resolve): Outlet {
  const reach = createReach(hosts);
  const plain = new http.Agent(POOL);
  const secure = new https.Agent({
    ...POOL,
    rejectUnauthorized: true,
    ...(caFile !== undefined && {
      secureContext: createSecureContext({ ca: [...getCACertificates("default"), readFileSync(caFile, "utf8")] }),
    }),
  });
  const look = async (name: string, port: number, wantsAll: boolean, done: Parameters<LookupFunction>[2]) => {
    let found: readonly Address[];
    try {
      found = await resolve(name);
    } catch (error) {
      return done(error instanceof Error ? error : new Error("failed"), []);
    }
    const permitted = reach.permitted(name, port, found);
    const [first] = permitted;
    if (first === undefined) return done(notPermitted(found), []);
    return wantsAll ? done(null, [...permitted]) : done(null, first.address, first.family);
  };
  const isTls = (url: URL): boolean => url.protocol === "https:";
  return {
    reach,
    isTls,
    agentFor: (url) => (isTls(url) ? secure : plain),
    lookupFor: (port) => (name, options, done) => void look(name, port, options.all === true, done),
    close() {
      plain.destroy();
      secure.destroy();
    },
  };
}

function notPermitted([found]: readonly Address[]): Refused {
  if (found === undefined) return new Refused("the name has no address");
  return new Refused(
    `the name leads to ${found.address}, which is not a public address; add "${found.address}" to allow.hosts of this backend`,
  );
}
