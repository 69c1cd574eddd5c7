import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";

/**
 * One key for all spellings of a name that some backend may take for the same: case, width, accents, outer and doubled spaces and
 * characters nobody sees make no difference. Hashed, so that the store holds no typed names (people type passwords there).
 */
export function accountKey(name: string): string {
  const plain = name
    .normalize("NFKD")
    // Both ways: "ß" and "ss", "ς" and "σ" only meet as capitals.
    .toUpperCase()
    .toLowerCase()
    .normalize("NFKD")
    .replace(/[\u0300-\u036f]|\p{Default_Ignorable_Code_Point}/gu, "")
    .replace(/\s+/gu, " ")
    .trim();
  return createHash("sha256").update(plain).digest("base64url");
}

/** The beginning of a name's key: enough to see which counts and events belong together. */
export function shortKey(name: string): string {
  return accountKey(name).slice(0, 12);
}

/** An IPv4 address as it is, an IPv6 address by its /64: one customer has that many addresses at no cost. */
export function addressKey(address: string): string {
  const groups = groupsOfAddress(address);
  return groups === undefined ? unmapped(address) : `${groups.slice(0, 4).join(":")}::/64`;
}

/** The /48 of an IPv6 address, which one customer may have whole; `undefined` for IPv4. */
export function networkKey(address: string): string | undefined {
  const groups = groupsOfAddress(address);
  return groups === undefined ? undefined : `${groups.slice(0, 3).join(":")}::/48`;
}

function unmapped(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

/** The first four of the eight groups are exact. */
function groupsOfAddress(address: string): readonly string[] | undefined {
  if (!isIPv6(unmapped(address))) return undefined;
  const [head = "", tail] = unmapped(address).split("::", 2);
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: gap }, () => "0"), ...after];
  return groups.map((group) => Number.parseInt(group, 16).toString(16));
}

/** Groups of 16 bits; an IPv4 tail stands for two of them, which lie outside of the /64. */
function groupsOf(part: string): readonly string[] {
  return part === "" ? [] : part.split(":").flatMap((group) => (group.includes(".") ? ["0", "0"] : [group]));
}
