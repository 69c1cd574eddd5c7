import { isIP } from "node:net";
import { createRanges, createRoutable } from "../../addresses.ts";

/** What a backend's `allow.hosts` lets its scripts reach. */
export interface Reach {
  /** Why this URL may not be asked, with the grant that is missing; undefined when it may. */
  refusalOf(url: URL): string | undefined;
  /** Of the addresses a granted name has, those that it may be reached at. */
  permitted(name: string, port: number, addresses: readonly Address[]): readonly Address[];
}

export interface Address {
  readonly address: string;
  readonly family: number;
}

interface Rule {
  /** A name, an address or a range. */
  readonly matches: (host: string) => boolean;
  /** Undefined: every port. */
  readonly port: number | undefined;
}

/** Addresses that lead on to an IPv4 address written inside them: 6to4, Teredo, NAT64. */
const TUNNELS = ["2002::/16", "2001::/32", "64:ff9b::/96"];

/** A URL's host without the brackets of IPv6 and the dot of the root. */
export function hostOf(url: URL): string {
  return url.hostname.replaceAll(/^\[|\]$/g, "").replace(/\.$/, "");
}

export function portOf(url: URL): number {
  return Number(url.port || (url.protocol === "https:" ? 443 : 80));
}

/**
 * Understands `name`, `name:port`, `address`, `address:port` and `range`. What a URL names must be granted as it stands there. A granted
 * name leads to public addresses; others must be granted too, except for loopback under the name localhost (RFC 6761 section 6.3).
 * So whoever answers for a name's DNS cannot make a script talk to the inside of a network.
 */
export function createReach(hosts: readonly string[]): Reach {
  const rules = hosts.map(ruleOf);
  const isRoutable = createRoutable();
  const isTunnel = createRanges(TUNNELS);
  const isLoopback = createRanges(["127.0.0.0/8", "::1"]);
  const isGranted = (host: string, port: number): boolean =>
    rules.some((rule) => (rule.port === undefined || rule.port === port) && rule.matches(host));
  return {
    refusalOf(url) {
      if (isGranted(hostOf(url), portOf(url))) return undefined;
      return `the host is not granted; add "${grantFor(url)}" to allow.hosts of this backend`;
    },
    permitted: (name, port, addresses) =>
      addresses.filter(
        ({ address }) =>
          (isRoutable(address) && !isTunnel(address)) ||
          isGranted(address, port) ||
          (/(?:^|\.)localhost$/.test(name) && isLoopback(address)),
      ),
  };
}

function ruleOf(entry: string): Rule {
  if (isIP(entry) !== 0 || entry.includes("/")) return { matches: createRanges([entry]), port: undefined };
  const [, host = "", port] = /^(.*?)(?::(\d+))?$/.exec(entry) ?? [];
  const name = hostOf(new URL(`http://${host}`));
  return {
    matches: isIP(name) === 0 ? (wanted) => wanted === name : createRanges([name]),
    port: port === undefined ? undefined : Number(port),
  };
}

/** The grant for exactly this host, as it would be written. */
function grantFor(url: URL): string {
  const host = hostOf(url);
  if (url.port === "") return host;
  return isIP(host) === 6 ? `[${host}]:${url.port}` : `${host}:${url.port}`;
}
