import { type Account, RESULT_CODES } from "../backend/index.ts";
import { Secret } from "../kernel/index.ts";
import type { RawResult } from "./messages.ts";
import { fromBytes, type LuaValue } from "./values.ts";

/** A result code as the contract has it, or why it is none. Everything unexpected is a failure, never a success. */
export type Code = "ok" | "not_found" | "denied" | { readonly fault: string };

export function decodeCode(raw: RawResult): Code {
  if (raw.code === RESULT_CODES.OK) return "ok";
  if (raw.code === RESULT_CODES.NOT_FOUND) return "not_found";
  if (raw.code === RESULT_CODES.DENIED) return "denied";
  if (raw.code === RESULT_CODES.ERROR) return { fault: "the function returned BACKEND_RESULT_ERROR" };
  const shown = raw.code === null ? "nil" : typeof raw.code === "number" ? String(raw.code) : `a ${typeof raw.code}`;
  return { fault: `the first return value is ${shown}; return one of nauthilus_builtin.BACKEND_RESULT_*` };
}

/** What a lookup or password check told, or why it cannot be used. */
export type DecodedResult =
  | {
      readonly kind: "account";
      readonly authenticated: boolean;
      readonly account: Account;
      readonly hint: string | undefined;
    }
  | { readonly kind: "no_user" }
  | { readonly kind: "fault"; readonly fault: string };

type Table = Readonly<Record<string, LuaValue>>;

/** Reads a result object. `username` is what was asked for. */
export function decodeResult(raw: RawResult, username: string, backend: string): DecodedResult {
  if (raw.kind !== "result")
    return fault(`the second return value is ${raw.kind}; return an object made by nauthilus_backend_result.new()`);
  const data = tableOf(raw.value);
  if (data["user_found"] !== true)
    return data["authenticated"] === true
      ? fault("authenticated is true although user_found is not")
      : { kind: "no_user" };
  const field = textOf(data["account_field"]);
  if (field === "") return fault("account_field is not set; it names the attribute that holds the account");
  const attributes = attributesOf(data["attributes"]);
  if (attributes === undefined) return fault("attributes is not a table");
  const found = attributes[field];
  if (found !== undefined && (found[0] ?? "") === "")
    return fault(`the attribute "${field}" named by account_field is empty`);
  const name = found?.[0] ?? username;
  const hint =
    found === undefined ? `there is no attribute "${field}"; the user name is taken as the account` : undefined;
  return {
    kind: "account",
    authenticated: data["authenticated"] === true,
    account: accountOf({ data, attributes, name, backend }),
    hint,
  };
}

function fault(text: string): DecodedResult {
  return { kind: "fault", fault: text };
}

interface Parts {
  readonly data: Table;
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  readonly name: string;
  readonly backend: string;
}

function accountOf({ data, attributes, name, backend }: Parts): Account {
  const first = (field: LuaValue | undefined): string | undefined => {
    const value = attributes[textOf(field)]?.[0];
    return value === undefined || value === "" ? undefined : value;
  };
  const totp = first(data["totp_secret_field"]);
  const codes = attributes[textOf(data["totp_recovery_field"])] ?? [];
  const secretNames = new Set([textOf(data["totp_secret_field"]), textOf(data["totp_recovery_field"])]);
  const memberOf = attributes["memberOf"] ?? [];
  const cnOf = (dn: string): string[] => /^[^=,]+=((?:[^,\\]|\\.)+)/.exec(dn)?.slice(1, 2) ?? [];
  return {
    name,
    backend,
    unique_user_id: first(data["unique_user_id_field"]) ?? (textOf(data["unique_user_id"]) || undefined),
    display_name: first(data["display_name_field"]) ?? (textOf(data["display_name"]) || undefined),
    attributes: Object.fromEntries(Object.entries(attributes).filter(([attribute]) => !secretNames.has(attribute))),
    groups: unique([...listOf(data["groups"]), ...(attributes["groups"] ?? []), ...memberOf.flatMap(cnOf)]),
    group_dns: unique([...listOf(data["group_dns"]), ...(attributes["group_dns"] ?? []), ...memberOf]),
    totp_secret: totp === undefined ? undefined : new Secret(totp),
    recovery_codes: codes
      .flatMap((value) => value.split(/[\s,]+/))
      .filter((code) => code !== "")
      .map((code) => new Secret(code)),
  };
}

/** A list of strings, as list functions return it. `undefined`: not a table. */
export function decodeStrings(raw: RawResult): readonly string[] | undefined {
  if (raw.kind !== "table") return undefined;
  const values = Array.isArray(raw.value) ? raw.value : Object.values(tableOf(raw.value));
  // Byte for byte: WebAuthn credentials are found again by the exact string.
  return [...new Set(values.filter((value): value is string => typeof value === "string").map(fromBytes))];
}

function tableOf(value: LuaValue | undefined): Table {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : {};
}

function textOf(value: LuaValue | undefined): string {
  return typeof value === "string" ? fromBytes(value) : "";
}

function listOf(value: LuaValue | undefined): readonly string[] {
  return flatten(value ?? null);
}

function flatten(value: LuaValue): readonly string[] {
  if (value === null) return [];
  if (typeof value === "string") return [fromBytes(value)];
  if (typeof value === "number" || typeof value === "boolean") return [String(value)];
  return (Array.isArray(value) ? value : Object.values(value)).flatMap((item) => flatten(item as LuaValue));
}

/** An attribute that is there without a value (a NULL column) stays away. */
function attributesOf(value: LuaValue | undefined): Readonly<Record<string, readonly string[]>> | undefined {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object") return undefined;
  if (Array.isArray(value)) return value.length === 0 ? {} : undefined;
  const attributes: Record<string, readonly string[]> = Object.create(null) as Record<string, readonly string[]>;
  for (const [name, item] of Object.entries(value as Table)) {
    const values = flatten(item);
    if (values.length > 0) attributes[fromBytes(name)] = values;
  }
  return attributes;
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values.map((value) => value.trim()).filter((value) => value !== ""))];
}
