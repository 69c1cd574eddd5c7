import { Secret } from "../kernel/index.ts";

/** Names whose values never reach a log, wherever they stand: compared without case, `-` and `_`. */
const SECRET_NAMES: ReadonlySet<string> = new Set([
  "accesstoken",
  "assertion",
  "authorization",
  "clientassertion",
  "clientsecret",
  "code",
  "codeverifier",
  "cookie",
  "csrf",
  "idtoken",
  "idtokenhint",
  "logouttoken",
  "password",
  "proxyauthorization",
  "recoverycode",
  "recoverycodes",
  "refreshtoken",
  "registrationaccesstoken",
  "secret",
  "setcookie",
  "subjecttoken",
  "token",
  "totpsecret",
]);
const DEPTH = 5;

/** A copy without secrets: by name, by the `Secret` type, and by depth. Only plain values are left, so that nothing else prints itself. */
export function redact(value: unknown, depth = 0): unknown {
  if (value instanceof Secret) return "[secret]";
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEPTH) return "[deep]";
  if (value instanceof Error) return describe(value, depth);
  if (Array.isArray(value)) return value.map((item) => redact(item, depth + 1));
  const short = shortForm(value);
  if (short !== undefined) return short;
  if (value instanceof Map) return redact(Object.fromEntries(value), depth);
  if (value instanceof Set) return redact([...value], depth);
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, isSecretName(name) ? "[secret]" : redact(item, depth + 1)]),
  );
}

/** What stands for an object whose members say nothing, or too much. */
function shortForm(value: object): string | undefined {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? "[no date]" : value.toISOString();
  // An address may carry a code or a token behind its path.
  if (value instanceof URL) return value.origin + value.pathname;
  return ArrayBuffer.isView(value) ? `[${value.byteLength} bytes]` : undefined;
}

/** Fields of a line: redacted, and unable to pass for the line's own time, level or message. */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(redact(fields) as object).map(([name, value]) => [OWN.has(name) ? `field_${name}` : name, value]),
  );
}

const OWN: ReadonlySet<string> = new Set(["time", "level", "msg"]);

/**
 * A finished line with what a terminal would obey or an editor would hide written as `\uXXXX`: C1 controls, DEL, line separators, marks of
 * writing direction. JSON escapes only the C0 controls by itself (RFC 8259 section 7), and the result is still the same JSON.
 */
export function escapeControls(line: string): string {
  return line.replace(
    /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function isSecretName(name: string): boolean {
  return SECRET_NAMES.has(name.toLowerCase().replaceAll(/[-_]/g, ""));
}

function describe(error: Error, depth: number): object {
  const cause = error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) };
  const facts = "facts" in error ? { facts: redact(error.facts, depth + 1) } : {};
  return { name: error.name, message: error.message, stack: error.stack, ...facts, ...cause };
}
