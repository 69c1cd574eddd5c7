const ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A number as crypt(3) writes it: six bits a character, the lowest first. */
export function cryptDigits(value: number, characters: number): string {
  let text = "";
  for (let rest = value; text.length < characters; rest = Math.floor(rest / 64)) text += ALPHABET[rest & 63] ?? "";
  return text;
}

/** What {@link cryptDigits} wrote. */
export function cryptNumber(text: string): number {
  return text.split("").reduceRight((sum, character) => sum * 64 + ALPHABET.indexOf(character), 0);
}

/** Bytes in their order, three in four characters. */
export function cryptText(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const group = bytes.subarray(at, at + 3);
    const value = group.reduceRight((sum, byte) => sum * 256 + byte, 0);
    text += cryptDigits(value, group.length + 1);
  }
  return text;
}
