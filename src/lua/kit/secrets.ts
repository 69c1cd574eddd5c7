import type { RequestFields } from "../../backend/index.ts";
import { expect, type ShortName } from "./deviation.ts";
import { commented } from "./names.ts";
import type { Code, Probe } from "./probe.ts";
import type { Property, PropertyGroup } from "./property.ts";

/** What a code says, where one of some was expected. */
export function expectCode(call: ShortName, code: Code, ...allowed: readonly Code[]): void {
  expect(allowed.includes(code), call, allowed.join(" or ").toUpperCase(), code.toUpperCase());
}

/** Authenticator apps and recovery codes: both are kept with the account and read back by lookups. */
interface Kind {
  readonly id: "totp" | "codes";
  readonly title: string;
  readonly add: ShortName;
  readonly remove: ShortName;
  /** The method of the result object that names the attribute. */
  readonly field: string;
  /** New secrets of a kind, as the host writes them; `long`: sealed or hashed ones. */
  readonly make: (probe: Probe, long: boolean) => readonly string[];
  readonly fields: (values: readonly string[]) => RequestFields;
}

const TOTP: Kind = {
  id: "totp",
  title: "Authenticator apps (TOTP)",
  add: "add_totp",
  remove: "delete_totp",
  field: "totp_secret_field",
  make: (probe, long) => [probe.secret(long ? `enc1.kit.${probe.fresh(75)}` : base32(probe.fresh(32)))],
  fields: ([value = ""]) => ({ totp_secret: value }),
};

const CODES: Kind = {
  id: "codes",
  title: "Recovery codes",
  add: "add_totp_recovery_codes",
  remove: "delete_totp_recovery_codes",
  field: "totp_recovery_field",
  make: (probe, long) =>
    Array.from({ length: long ? 10 : 3 }, () =>
      probe.secret(long ? `rc1.${probe.fresh(16)}.${probe.fresh(32)}` : base32(probe.fresh(16)).toLowerCase()),
    ),
  fields: (values) => ({ totp_recovery_codes: values }),
};

function base32(text: string): string {
  return text.toUpperCase().replace(/[^A-Z2-7]/g, "A");
}

async function read(probe: Probe, { id }: Kind): Promise<readonly string[]> {
  const { totp, codes } = await probe.stored();
  if (id === "codes") return codes;
  return totp === undefined ? [] : [totp];
}

async function add(probe: Probe, kind: Kind, long = false): Promise<readonly string[]> {
  const values = kind.make(probe, long);
  expectCode(kind.add, await probe.write(kind.add, kind.fields(values)), "ok");
  return values;
}

async function expectStored(probe: Probe, kind: Kind, values: readonly string[], call: ShortName): Promise<void> {
  const now = await read(probe, kind);
  const missing = values.filter((value) => !now.includes(value)).length;
  const more = now.filter((value) => !values.includes(value)).length;
  expect(
    missing === 0 && more === 0 && now.length === values.length,
    call,
    values.length === 0 ? "nothing stored" : `${values.length} stored, exactly as written`,
    now.length === 0
      ? "nothing in the next lookup"
      : `${now.length} in the next lookup, ${missing} missing or changed, ${more} of another text`,
  );
}

/** The properties that are the same for both; `other` must stay as it is. */
function keeping(kind: Kind, other: Kind): readonly Property[] {
  const needs = [kind.add, kind.remove];
  const { id } = kind;
  const named = `and name the attribute that holds it by ${kind.field}`;
  const property = (
    word: string,
    after: readonly string[],
    rest: Omit<Property, "id" | "needs" | "after">,
  ): Property => ({
    id: `${id}.${word}`,
    needs,
    after: after.map((one) => (one.includes(".") ? one : `${id}.${one}`)),
    ...rest,
  });
  return [
    property("add", ["lookup.found"], {
      title: "what is added is in the next lookup",
      change: `Store what ${kind.add} gets before it returns OK, ${named} in every lookup.`,
      check: async (probe) => expectStored(probe, kind, await add(probe, kind), kind.add),
    }),
    property("replace", ["add"], {
      title: "what is added replaces what was there",
      change:
        "Overwrite the stored value (UPDATE, or INSERT … ON CONFLICT DO UPDATE); neither keep the old one nor append.",
      check: async (probe) => {
        await add(probe, kind);
        await expectStored(probe, kind, await add(probe, kind), kind.add);
      },
    }),
    property("exact", ["replace"], {
      title: "sealed and hashed values come back letter for letter",
      change:
        "Store the text as it is: do not change its case, trim or cut it; the column must take it (TEXT) and compare by bytes.",
      check: async (probe) => expectStored(probe, kind, await add(probe, kind, true), kind.add),
    }),
    property("hidden", ["add"], {
      title: "the secret is in no other attribute",
      change: `Hand the secret over in the attribute that ${kind.field} names alone: every other one may become a claim.`,
      check: async (probe) => {
        const values = await add(probe, kind);
        const { account } = await probe.stored();
        const bad = Object.entries(account.attributes).find(([, texts]) =>
          values.some((value) => texts.some((text) => text.includes(value))),
        );
        expect(
          bad === undefined,
          "verify_password",
          "no secret in attributes",
          `one in the attribute ${bad?.[0] ?? ""}`,
        );
      },
    }),
    property("delete", ["add"], {
      title: "nothing is there after it was deleted",
      change: `Let ${kind.remove} remove the value (NULL), and leave the attribute out or empty when there is none.`,
      check: async (probe) => {
        await add(probe, kind);
        expectCode(kind.remove, await probe.write(kind.remove), "ok");
        await expectStored(probe, kind, [], kind.remove);
      },
    }),
    property("delete_again", ["delete"], {
      title: "deleting what is not there is no failure",
      change: "Return OK or NOT_FOUND when there is nothing to delete.",
      check: async (probe) => {
        await probe.write(kind.remove);
        expectCode(kind.remove, await probe.write(kind.remove), "ok", "not_found");
      },
    }),
    property("add_again", ["delete_again"], {
      title: "something new can be added after a deletion",
      change: "Do not keep a mark of what was deleted; an addition starts afresh.",
      check: async (probe) => {
        await probe.write(kind.remove);
        await expectStored(probe, kind, await add(probe, kind), kind.add);
      },
    }),
    property("unknown", ["add", "unknown.lookup"], {
      title: "nothing is added for an unknown user",
      change: "Return NOT_FOUND when no account was changed (rows_affected is 0); do not make one.",
      check: async (probe) => {
        const code = await probe.write(kind.add, kind.fields(kind.make(probe, false)), probe.unknown);
        expectCode(kind.add, code, "not_found", "denied");
      },
    }),
    property("delete_unknown", ["delete_again", "unknown.lookup"], {
      title: "deleting for an unknown user is no failure",
      change: "Return NOT_FOUND when there is no such account.",
      check: async (probe) => void (await probe.write(kind.remove, {}, probe.unknown)),
    }),
    property("injection", ["replace", "unknown", "names.comment"], {
      title: "a name that ends SQL text changes nothing",
      change: "Use a prepared statement for the write too: connection:stmt('UPDATE … WHERE name = ?').",
      check: async (probe) => {
        const values = await add(probe, kind);
        const code = await probe.write(kind.add, kind.fields(kind.make(probe, false)), commented(probe.account));
        expectCode(kind.add, code, "not_found", "denied");
        await expectStored(probe, kind, values, kind.add);
      },
    }),
    {
      ...property("apart", ["delete", `${other.id}.replace`, `${other.id}.delete`], {
        title: `adding and deleting leave ${other.id === "totp" ? "the authenticator app" : "recovery codes"} alone`,
        change: "Change only the column that belongs to the function.",
        check: async (probe) => {
          const values = await add(probe, other);
          await add(probe, kind);
          await expectStored(probe, other, values, kind.add);
          await probe.write(kind.remove);
          await expectStored(probe, other, values, kind.remove);
        },
      }),
      needs: [...needs, other.add, other.remove],
    },
  ];
}

export const AUTHENTICATOR_APPS: PropertyGroup = { title: TOTP.title, properties: keeping(TOTP, CODES) };

export const RECOVERY_CODES: PropertyGroup = {
  title: CODES.title,
  properties: [
    ...keeping(CODES, TOTP),
    {
      id: "codes.empty",
      title: "an empty list leaves none",
      needs: [CODES.add, CODES.remove],
      after: ["codes.replace", "codes.delete"],
      change: "Store an empty list like any other, or delete: it is written when the last code was used.",
      check: async (probe) => {
        await add(probe, CODES);
        expectCode(CODES.add, await probe.write(CODES.add, CODES.fields([])), "ok");
        await expectStored(probe, CODES, [], CODES.add);
      },
    },
  ],
};

/** Both kinds written at the same time, for the properties of concurrency. */
export const WRITES = { TOTP, CODES, expectStored };
