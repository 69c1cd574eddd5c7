import { pino } from "pino";
import { Secret } from "../kernel/index.ts";
import type { LogFields, Logger } from "./port.ts";

export interface LoggerOptions {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly format: "json" | "text";
  /** Takes one finished line. */
  readonly write: (line: string) => void;
}

/** Names whose values never reach a log, wherever they stand. */
const SECRET_NAMES =
  /^(?:password|client_secret|code|code_verifier|token|access_token|refresh_token|id_token|cookie|set-cookie|authorization|totp_secret|secret|csrf)$/i;
const DEPTH = 5;

/** The log of the program. JSON lines, or one readable line per event; control characters are escaped in both. */
export function createLogger({ level, format, write }: LoggerOptions): Logger {
  const sink = { write: (line: string) => write(format === "json" ? line : readable(line)) };
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
      logger[level](redact(fields) as object, message);
  return {
    debug: at("debug"),
    info: at("info"),
    warn: at("warn"),
    error: at("error"),
    child: (fields) => wrap(logger.child(redact(fields) as Record<string, unknown>)),
  };
}

/** A copy without secrets: by name, by the `Secret` type, and by depth. */
export function redact(value: unknown, depth = 0): unknown {
  if (value instanceof Secret) return "[secret]";
  if (value instanceof Error) return describe(value, depth);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH) return "[deep]";
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, SECRET_NAMES.test(name) ? "[secret]" : redact(item, depth + 1)]),
  );
}

function describe(error: Error, depth: number): object {
  const cause = error.cause === undefined || depth >= DEPTH ? {} : { cause: redact(error.cause, depth + 1) };
  const facts = "facts" in error ? { facts: redact(error.facts, depth + 1) } : {};
  return { name: error.name, message: error.message, stack: error.stack, ...facts, ...cause };
}

function readable(line: string): string {
  const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const facts = Object.entries(fields).filter(([, value]) => value !== undefined && value !== "");
  return `${String(time)} ${String(level).toUpperCase().padEnd(5)} ${String(msg)}${facts.map(([name, value]) => ` ${name}=${JSON.stringify(value)}`).join("")}\n`;
}
