import { Killed } from "./call.ts";
import { bytesOf, type LuaValue } from "./values.ts";

/** A function of the host that answers at once. What it throws becomes an error of the script. */
export type Helper = (...args: readonly LuaValue[]) => readonly LuaValue[];

/** `value`, or `nil, message`; the end of the call is neither. */
export function attempt(work: () => LuaValue): readonly LuaValue[] {
  try {
    return [work()];
  } catch (error) {
    if (error instanceof Killed) throw error;
    return [null, error instanceof Error ? error.message : "failed"];
  }
}

/** An argument as the bytes it is in Lua. */
export function bufferOf(value: LuaValue | undefined): Buffer {
  return Buffer.from(bytesOf(value), "latin1");
}
