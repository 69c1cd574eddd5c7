import type { IncomingMessage } from "node:http";
import { BlockList, isIP } from "node:net";

/** Whether an address is one of the operator's proxies. */
export function trustedProxies(ranges: readonly string[]): (address: string) => boolean {
  const trusted = new BlockList();
  for (const range of ranges) {
    const [address = "", bits] = range.split("/", 2);
    const family = isIP(address) === 6 ? "ipv6" : "ipv4";
    trusted.addSubnet(address, bits === undefined ? (family === "ipv6" ? 128 : 32) : Number(bits), family);
  }
  return (written) => {
    const address = plain(written);
    return isIP(address) !== 0 && trusted.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  };
}

/** Reads the address of the person's browser: the connection's, or what a trusted proxy reports in X-Forwarded-For. */
export function clientAddress(isTrusted: (address: string) => boolean): (req: IncomingMessage) => string {
  return (req) => {
    const connection = plain(req.socket.remoteAddress ?? "");
    const header = req.headers["x-forwarded-for"];
    if (typeof header !== "string" || !isTrusted(connection)) return connection;
    // From the right: each proxy appends the address it saw, so the first one that is not ours is the browser's.
    const hops = header.split(",").map((hop) => plain(hop.trim()));
    return hops.findLast((hop) => !isTrusted(hop) && isIP(hop) !== 0) ?? connection;
  };
}

function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
