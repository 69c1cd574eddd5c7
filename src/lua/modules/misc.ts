import { randomInt } from "node:crypto";
import { createRoutable } from "../addresses.ts";
import type { Helper } from "../helper.ts";
import { bytesOf } from "../values.ts";

/** Host functions of `nauthilus_misc`, and what `nauthilus_util` knows of addresses. */
export const miscFunctions: Readonly<Record<string, Helper>> = {
  country_name: (code) => [countryName(bytesOf(code))],
  random: () => [randomInt(2 ** 47) / 2 ** 47],
  is_routable: (address) => [createRoutable()(bytesOf(address))],
};

/** The English name of an ISO 3166-1 code of two letters. */
function countryName(code: string): string | null {
  if (!/^[A-Za-z]{2}$/.test(code)) return null;
  const name = new Intl.DisplayNames(["en"], { type: "region", fallback: "none" }).of(code.toUpperCase());
  return name === undefined ? null : Buffer.from(name, "utf8").toString("latin1");
}
