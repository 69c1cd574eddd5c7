import type { LuaValue } from "../values.ts";

/** An argument that has to be text (Lua's bytes). @throws Error that says which one is not. */
export function textOf(value: LuaValue | undefined, what: string): string {
  if (typeof value !== "string") throw new Error(`${what} must be text`);
  return value;
}
