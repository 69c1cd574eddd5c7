import type { Reply } from "../http/index.ts";
import type { Secret } from "../kernel/index.ts";

/** Recovery codes as a text file, for the person who may see them now. */
export function codesFile(codes: readonly Secret[]): Reply {
  return { kind: "text", name: "recovery-codes.txt", body: codes.map((code) => `${code.expose()}\n`).join("") };
}
