import { randomInt } from "node:crypto";
import { BlockList, isIP } from "node:net";
import type { Helper } from "../helper.ts";
import { bytesOf } from "../values.ts";

/** Host functions of `nauthilus_misc`, and what `nauthilus_util` knows of addresses. */
export const miscFunctions: Readonly<Record<string, Helper>> = {
  country_name: (code) => [countryName(bytesOf(code))],
  random: () => [randomInt(2 ** 47) / 2 ** 47],
  is_routable: (address) => [isRoutable(bytesOf(address))],
};

/** The English name of an ISO 3166-1 code of two letters. */
function countryName(code: string): string | null {
  if (!/^[A-Za-z]{2}$/.test(code)) return null;
  const name = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" }).of(code.toUpperCase());
  return name === undefined ? null : Buffer.from(name, "utf8").toString("latin1");
}

/** Ranges that are not of the public internet (RFC 6890 and its registries). */
const V4 =
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4";
const V6 = "::/127 64:ff9b:1::/48 100::/64 2001:db8::/32 fc00::/7 fe80::/10 ff00::/8";

function isRoutable(address: string): boolean {
  const kind = isIP(address);
  if (kind === 0) return false;
  const reserved = new BlockList();
  for (const [range, family] of [
    ...V4.split(" ").map((one) => [one, "ipv4"] as const),
    ...V6.split(" ").map((one) => [one, "ipv6"] as const),
  ]) {
    const [network = "", bits = ""] = range.split("/");
    reserved.addSubnet(network, Number(bits), family);
  }
  return !reserved.check(address, kind === 4 ? "ipv4" : "ipv6");
}
