import { isIP } from "node:net";
import { z } from "zod";

const NAME = /^[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)*$/u;

/** A host that scripts may reach: a name or address, also with a port, or a range. */
export const grantedHost = z
  .string()
  .refine(isHost, 'must be a host such as "intranet.example.org", "localhost:8081", "10.1.2.3" or "10.1.0.0/16"');

function isHost(text: string): boolean {
  if (isIP(text) !== 0) return true;
  if (text.includes("/")) return isRange(text);
  const [, host = "", port = "1"] = /^(.*?)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (Number(port) < 1 || Number(port) > 65_535) return false;
  if (/^\[.*\]$/.test(host)) return isIP(host.slice(1, -1)) === 6;
  // A last part of digits is an address that is not one, such as 10.1.
  return isIP(host) === 4 || (NAME.test(host) && !/(?:^|\.)\d+$/.test(host) && URL.canParse(`http://${host}`));
}

function isRange(text: string): boolean {
  const [, address = "", bits] = /^(.*)\/(\d{1,3})$/.exec(text) ?? [];
  return isIP(address) !== 0 && Number(bits) <= (isIP(address) === 6 ? 128 : 32);
}
