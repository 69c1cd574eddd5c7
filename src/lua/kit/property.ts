import type { ShortName } from "./deviation.ts";
import type { Probe } from "./probe.ts";

/** One thing that holds for every backend that keeps the contract. */
export interface Property {
  /** Stable: `group.word`. */
  readonly id: string;
  /** What holds, as a sentence. */
  readonly title: string;
  /** What the script must define for it, besides `verify_password`. */
  readonly needs?: readonly ShortName[];
  /** Properties without which this one would only fail once more. */
  readonly after?: readonly string[];
  /** For the author of a script without it: what to change. */
  readonly change: string;
  /** @throws Deviation where it does not hold. */
  readonly check: (probe: Probe) => Promise<void>;
}

export interface PropertyGroup {
  readonly title: string;
  readonly properties: readonly Property[];
}
