import { Attribute, Change, type Filter, FilterParser, type SearchOptions } from "ldapts";
import { fromBytes, type LuaValue, toBytes } from "../../values.ts";
import { textOf } from "../text.ts";
import type { Found } from "./directory.ts";

export type Table = Readonly<Record<string, LuaValue>>;

const SCOPES = ["base", "one", "sub"] as const;
const OPERATIONS = ["add", "delete", "replace"] as const;

export function tableOf(value: LuaValue | undefined, what: string): Table {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error(`${what} must be a table`);
  return value as Table;
}

/** @throws Error that says what of the search is wrong. */
export function searchOf({ basedn, filter, scope, attributes }: Table): { base: string; options: SearchOptions } {
  const found = SCOPES.find((one) => one === (scope ?? "sub"));
  if (found === undefined) throw new Error(`the scope must be one of ${SCOPES.join(", ")}`);
  return {
    base: fromBytes(textOf(basedn, "the basedn")),
    options: {
      scope: found,
      filter: filterOf(fromBytes(textOf(filter, "the filter"))),
      attributes: namesOf(attributes),
    },
  };
}

function filterOf(text: string): Filter {
  try {
    return FilterParser.parseString(text);
  } catch {
    throw new Error("the filter is not one of RFC 4515; take ldap_escape_filter for values");
  }
}

/** One kind of change with its attributes, or a list `changes` of several kinds. @throws Error that says what is wrong. */
export function changesOf(request: Table): Change[] {
  const { changes } = request;
  const list = Array.isArray(changes) ? (changes as readonly LuaValue[]) : [request];
  return list.flatMap((one) => {
    const { operation, attributes } = tableOf(one, "a change");
    const kind = OPERATIONS.find((name) => name === operation);
    if (kind === undefined) throw new Error(`the operation must be one of ${OPERATIONS.join(", ")}`);
    return Object.entries(tableOf(attributes, "the attributes")).map(
      ([type, values]) =>
        new Change({ operation: kind, modification: new Attribute({ type, values: octets(values) }) }),
    );
  });
}

/** The attributes as the script wrote their names, whatever the server's spelling. */
export function namesOf(attributes: LuaValue | undefined): string[] {
  const names = typeof attributes === "object" && attributes !== null ? Object.values(attributes) : [];
  return names.map((name) => textOf(name, "the name of an attribute"));
}

/** Entries with their values as bytes. */
export function entriesOf(found: readonly Found[], names: readonly string[]): Table[] {
  const spelling = new Map(names.map((name) => [name.toLowerCase(), name]));
  return found.map(({ dn, attributes }) => ({
    dn: toBytes(dn),
    attributes: Object.fromEntries(
      Object.entries(attributes).flatMap(([name, values]) =>
        values.length === 0
          ? []
          : [
              [
                spelling.get(name.toLowerCase()) ?? name,
                values.map((value) => (typeof value === "string" ? toBytes(value) : value.toString("latin1"))),
              ],
            ],
      ),
    ),
  }));
}

/** Every attribute with the values it has in any of the entries; `dn` where it was asked for. */
export function mergedOf(entries: readonly Table[], names: readonly string[]): Table {
  const merged: Record<string, LuaValue[]> = {};
  for (const { dn, attributes } of entries) {
    const all = {
      ...(attributes as Record<string, LuaValue[]>),
      ...(names.includes("dn") ? { dn: [dn ?? null] } : {}),
    };
    for (const [name, values] of Object.entries(all)) merged[name] = [...(merged[name] ?? []), ...values];
  }
  return merged;
}

function octets(values: LuaValue): Buffer[] {
  const list = Array.isArray(values) ? (values as readonly LuaValue[]) : [values];
  return list.map((value) =>
    Buffer.from(typeof value === "number" ? String(value) : textOf(value, "the value of an attribute"), "latin1"),
  );
}
