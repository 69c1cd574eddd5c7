import { createHash } from "node:crypto";
import { isIPv6 } from "node:net";

/**
 * One key for all spellings of a name: case, width, outer spaces and characters nobody sees make no difference. Hashed, so that
 * the store holds no typed names (people type passwords there).
 */
export function accountKey(name: string): string {
  const plain = name
    .normalize("NFKC")
    .replace(/\p{Default_Ignorable_Code_Point}/gu, "")
    .trim()
    .toLowerCase();
  return createHash("sha256").update(plain).digest("base64url");
}

/** An IPv4 address as it is, an IPv6 address by its /64: one customer has that many addresses at no cost. */
export function addressKey(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, "");
  if (!isIPv6(plain)) return plain;
  const [head = "", tail] = plain.split("::", 2);
  const before = groupsOf(head);
  const after = groupsOf(tail ?? "");
  const gap = tail === undefined ? 0 : 8 - before.length - after.length;
  const groups = [...before, ...Array.from({ length: gap }, () => "0"), ...after];
  const network = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${network.join(":")}::/64`;
}

/** Groups of 16 bits; an IPv4 tail stands for two of them, which lie outside of the /64. */
function groupsOf(part: string): readonly string[] {
  return part === "" ? [] : part.split(":").flatMap((group) => (group.includes(".") ? ["0", "0"] : [group]));
}
