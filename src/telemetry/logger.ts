import { pino } from "pino";
import type { LogFields, Logger } from "./port.ts";
import { escapeControls, redactFields } from "./redact.ts";

export interface LoggerOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly format: "json" | "text";
  /** Takes one finished line. */
  readonly write: (line: string) => void;
}

/** The log of the program. JSON lines, or one readable line per event; control characters are escaped in both. */
export function createLogger({ level, format, write }: LoggerOptions): Logger {
  const sink = { write: (line: string) => write(escapeControls(format === "json" ? line : readable(line))) };
  return wrap(
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: (label) => ({ level: label }) },
      },
      sink,
    ),
  );
}

function wrap(logger: ReturnType<typeof pino>): Logger {
  const at =
    (level: "debug" | "info" | "warn" | "error") =>
    (message: string, fields: LogFields = {}) =>
      logger[level](redactFields(fields), message);
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => wrap(logger.child(redactFields(fields))),
  };
}

function readable(line: string): string {
  const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const facts = Object.entries(fields).filter(([, value]) => value !== undefined && value !== "");
  return `${String(time)} ${String(level).toUpperCase().padEnd(5)} ${printable(String(msg))}${facts.map(([name, value]) => ` ${printable(name)}=${JSON.stringify(value)}`).join("")}\n`;
}

/** Escaped as in JSON, without its quotes: a line break in it begins no line. */
function printable(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}
