import { BlockList, isIP } from "node:net";

/** Ranges that are not of the public internet (RFC 6890 and its registries). */
const RESERVED =
  "0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 ::/127 64:ff9b:1::/48 100::/64 2001:db8::/32 fc00::/7 fe80::/10 ff00::/8";

type AddressTest = (address: string) => boolean;

/** Whether an address is one of these addresses and ranges. What is no address never is; an IPv4 address written as IPv6 is the same one. */
export function createRanges(ranges: readonly string[]): AddressTest {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = "", bits] = range.split("/");
    const isLong = isIP(network) === 6;
    list.addSubnet(network, Number(bits ?? (isLong ? 128 : 32)), isLong ? "ipv6" : "ipv4");
  }
  return (address) => {
    const [plain = ""] = address.split("%", 1);
    return isIP(plain) !== 0 && list.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
  };
}

/** Whether an address belongs to the public internet. */
export function createRoutable(): AddressTest {
  const isReserved = createRanges(RESERVED.split(" "));
  return (address) => isIP(address) !== 0 && !isReserved(address);
}
