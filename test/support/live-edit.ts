import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { realWorld } from "../../src/app/index.ts";
import type { TestIdp } from "./idp.ts";

/** Does something to a running provider, and returns the line with which it says what it made of it. */
export async function andHear(idp: TestIdp, says: RegExp, work: () => Promise<void> | void): Promise<string> {
  const from = idp.log.length;
  await work();
  const { clock } = realWorld();
  for (let tries = 0; tries < 150; tries += 1) {
    const line = idp.log.slice(from).find((one) => says.test(one));
    if (line !== undefined) return line;
    await clock.sleep(100);
  }
  throw new Error(`the provider never said ${String(says)}`);
}

/** Writes a file anew in one step, as careful editors do. */
export function rewrite(file: string, change: (text: string) => string): void {
  writeFileSync(`${file}.new`, change(readFileSync(file, "utf8")));
  renameSync(`${file}.new`, file);
}
