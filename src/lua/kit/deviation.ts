import type { FunctionName } from "../../backend/index.ts";

/** A function of the contract without `nauthilus_backend_`. */
export type ShortName = FunctionName extends infer Name
  ? Name extends `nauthilus_backend_${infer Short}`
    ? Short
    : never
  : never;

/** What a script did instead of what it promised. No secret is in any of its texts. */
export class Deviation extends Error {
  override readonly name = "Deviation";
  readonly call: ShortName;
  readonly expected: string;
  readonly got: string;

  constructor(call: ShortName, expected: string, got: string) {
    super(`${call}: expected ${expected}, got ${got}`);
    this.call = call;
    this.expected = expected;
    this.got = got;
  }
}

/** @throws Deviation unless it holds. */
export function expect(holds: boolean, call: ShortName, expected: string, got: string): void {
  if (!holds) throw new Deviation(call, expected, got);
}
