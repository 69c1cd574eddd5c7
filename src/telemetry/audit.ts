import { appendFileSync, chmodSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";
import type { Clock } from "../kernel/index.ts";
import type { AuditLog, Logger } from "./port.ts";
import { escapeControls } from "./redact.ts";

/** Writes each event as one JSON line to `append`, and to the log. */
export function createAuditLog({
  logger,
  clock,
  append,
}: {
  logger: Logger;
  clock: Clock;
  append?: (line: string) => void;
}): AuditLog {
  return {
    record(event) {
      append?.(`${escapeControls(JSON.stringify({ time: new Date(clock.now()).toISOString(), ...event }))}\n`);
      logger.info("Audit.", { ...event });
    },
  };
}

/** Opens the audit file for appending, readable by its owner alone. Writes are synchronous: an event is on its way before the answer is. */
export function openAuditFile(path: string): (line: string) => void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  appendFileSync(path, "", { mode: 0o600 });
  chmodSync(path, 0o600);
  return (line) => appendFileSync(path, line);
}
