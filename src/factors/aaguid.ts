import { readFileSync } from "node:fs";

/** Names of passkey providers and security keys by AAGUID, as their makers publish them (the community keeps a list: passkey-authenticator-aaguids). */
const NAMES = JSON.parse(readFileSync(new URL("./aaguids.json", import.meta.url), "utf8")) as Readonly<
  Record<string, string>
>;

/** The product an AAGUID stands for, where it is known. Unattested: a hint for people, never a proof. */
export function productOf(aaguid: string): string | undefined {
  return Object.hasOwn(NAMES, aaguid) ? NAMES[aaguid] : undefined;
}
