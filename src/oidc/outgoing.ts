import { BlockList, isIP } from "node:net";
import type { Configuration } from "oidc-provider";

type Fetch = NonNullable<Configuration["fetch"]>;

/**
 * How oidc-provider reaches clients (back-channel logout, `jwks_uri`). Its own guard refuses private addresses, so that nobody can make the
 * provider talk to the inside of a network; `allow` names hosts, addresses and ranges that it may reach all the same.
 */
export function createOutgoingFetch(allow: readonly string[]): Fetch {
  const names = new Set(allow.map((entry) => entry.toLowerCase()));
  const ranges = new BlockList();
  for (const entry of allow) {
    const [address = "", bits] = entry.split("/");
    const family = isIP(address);
    if (family !== 0)
      ranges.addSubnet(
        address,
        bits === undefined ? (family === 6 ? 128 : 32) : Number(bits),
        family === 6 ? "ipv6" : "ipv4",
      );
  }
  return (url, options) => {
    const host = new URL(url instanceof Request ? url.url : url).hostname.toLowerCase().replaceAll(/^\[|\]$/g, "");
    const isAllowed = names.has(host) || (isIP(host) !== 0 && ranges.check(host, isIP(host) === 6 ? "ipv6" : "ipv4"));
    if (!isAllowed) return globalThis.fetch(url, options);
    // The guard is the dispatcher the library passes along.
    const { dispatcher: _guard, ...rest } = options as RequestInit & { dispatcher?: unknown };
    return globalThis.fetch(url, rest);
  };
}
