import { fromBytes, type LuaValue } from "../values.ts";
import { textOf } from "./text.ts";

/** What a statement is run with: text, bytes that are no UTF-8, whole numbers, other numbers, booleans, NULL. */
export type Parameter = null | boolean | number | bigint | string | Buffer;

/** One answer's limits; a script that needs more asks in pages. */
const MAX_ROWS = 10_000;
const MAX_BYTES = 8 * 1024 * 1024;

/** Answers whether a statement may run twice without a difference. */
export function isSelect(sql: LuaValue | undefined): boolean {
  return typeof sql === "string" && /^\s*select\b/i.test(sql);
}

/** A statement as text. @throws Error when it is none, or not UTF-8: bytes belong into parameters. */
export function statementOf(sql: LuaValue | undefined): string {
  const bytes = textOf(sql, "the statement");
  const text = fromBytes(bytes);
  if (text.includes("\ufffd") && Buffer.from(text, "utf8").toString("latin1") !== bytes)
    throw new Error("the statement is not UTF-8; give bytes as parameters");
  return text;
}

/** The first `width` values of a Lua list, which has holes where a value is nil. Whole numbers are integers, text is UTF-8 where it can be. */
export function parametersOf(values: LuaValue | undefined, width: LuaValue | undefined): Parameter[] {
  const list = (Array.isArray(values) ? values : []) as readonly LuaValue[];
  const record = (Array.isArray(values) ? {} : (values ?? {})) as Readonly<Record<string, LuaValue>>;
  return Array.from({ length: Number(width ?? 0) }, (_, index) =>
    parameter(list[index] ?? record[String(index + 1)] ?? null),
  );
}

function parameter(value: LuaValue): Parameter {
  if (value === null || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof value !== "string") throw new Error("a parameter must be text, a number, a boolean or nil");
  const bytes = Buffer.from(value, "latin1");
  const text = bytes.toString("utf8");
  return Buffer.from(text, "utf8").equals(bytes) ? text : bytes;
}

/** Answers whether the options of `db.open` ask for a database that no statement changes. */
export function isReadOnly(options: LuaValue | undefined): boolean {
  return optionOf(options, "read_only") === true;
}

/** One of the options of `db.open`. */
export function optionOf(options: LuaValue | undefined, name: string): LuaValue | undefined {
  return typeof options === "object" && options !== null && !Array.isArray(options)
    ? (options as Readonly<Record<string, LuaValue>>)[name]
    : undefined;
}

/** An integer as Lua's numbers can hold it exactly, or else as text. */
export function exact(value: bigint): number | string {
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
}

/** Collects the rows of one answer. `add` throws an Error when they are too many or too large. */
export interface Rows {
  readonly all: readonly (readonly LuaValue[])[];
  add(cells: readonly LuaValue[]): void;
}

export function createRows(): Rows {
  const all: (readonly LuaValue[])[] = [];
  let bytes = 0;
  return {
    all,
    add(cells) {
      bytes += cells.reduce((sum: number, cell) => sum + (typeof cell === "string" ? cell.length : 8), 0);
      if (all.length >= MAX_ROWS) throw new Error(`the result has over ${MAX_ROWS} rows; use LIMIT`);
      if (bytes > MAX_BYTES) throw new Error("the result is larger than 8 MB; use LIMIT");
      all.push(cells);
    },
  };
}
