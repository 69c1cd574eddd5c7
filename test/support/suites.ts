import { globSync } from "node:fs";

/** In the order they run: the fast ones first. */
export const SUITES = ["unit", "contract", "architecture", "databases", "http", "protocol", "browser"] as const;

export type Suite = (typeof SUITES)[number];

/** The test files of a suite. */
export function suiteFiles(suite: Suite): readonly string[] {
  return globSync(`test/${suite}/**/*.test.ts`).toSorted();
}
