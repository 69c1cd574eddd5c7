import { randomBytes } from "node:crypto";
import { appendFileSync, chmodSync, closeSync, fstatSync, mkdirSync, openSync, readSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../kernel/index.ts";
import { createChain } from "./audit-chain.ts";
import type { AuditLog, Logger } from "./port.ts";
import { escapeControls } from "./redact.ts";

/**
 * Writes each event as one JSON line to `append`, and to the log.
 * @param nameKey what stands in the place of a typed name that nobody knows, as `name_key`
 */
export function createAuditLog({
  logger,
  clock,
  nameKey,
  append,
}: {
  logger: Logger;
  clock: Clock;
  nameKey: (typed: string) => string;
  append?: (line: string) => void;
}): AuditLog {
  return {
    record({ typed, ...known }) {
      const event = typed === undefined ? known : { ...known, name_key: nameKey(typed) };
      append?.(`${escapeControls(JSON.stringify({ time: new Date(clock.now()).toISOString(), ...event }))}\n`);
      logger.info("Audit.", { ...event });
    },
  };
}

/**
 * Opens the audit file for appending, readable by its owner alone. Writes are synchronous: an event is on its way before the answer is.
 * Each line is tied to the one before it ({@link createChain}).
 */
export function openAuditFile(path: string): (line: string) => void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  appendFileSync(path, "", { mode: 0o600 });
  chmodSync(path, 0o600);
  const { last, isTorn } = lastLine(path);
  // A line that a crash cut short stays as it is; the next one begins anew.
  if (isTorn) appendFileSync(path, "\n");
  const chain = createChain(randomBytes(4).toString("hex"), last);
  return (line) => appendFileSync(path, `${chain.seal(line.trimEnd())}\n`);
}

/** Bytes that hold the longest event. */
const TAIL = 65_536;

function lastLine(path: string): { readonly last: string | undefined; readonly isTorn: boolean } {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    const buffer = Buffer.alloc(Math.min(size, TAIL));
    readSync(file, buffer, 0, buffer.length, size - buffer.length);
    const text = buffer.toString("utf8");
    const lines = text.split("\n").filter((line) => line !== "");
    return { last: lines.at(-1), isTorn: text !== "" && !text.endsWith("\n") };
  } finally {
    closeSync(file);
  }
}
