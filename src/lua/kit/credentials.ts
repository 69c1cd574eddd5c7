import { expect, type ShortName } from "./deviation.ts";
import { commented } from "./names.ts";
import type { Probe } from "./probe.ts";
import type { Property, PropertyGroup } from "./property.ts";
import { expectCode } from "./secrets.ts";

const LIST = "get_webauthn_credentials";
const SAVE = "save_webauthn_credential";
const DELETE = "delete_webauthn_credential";
const UPDATE = "update_webauthn_credential";
const KEPT: readonly ShortName[] = [LIST, SAVE, DELETE];

const TEXT =
  "Keep the credential's text byte for byte: never decode and encode it again, and store it as TEXT (utf8mb4) of any length.";
const BYTES =
  "Compare the whole text by bytes (WHERE name = ? AND credential = ?, with a binary collation), not the id in it.";

/** A credential nobody has; texts that any reading and writing again would change. */
export const credential = (probe: Probe, count = 0): string =>
  `{"id":"${probe.fresh(24)}","publicKey":"AA+/","signCount":${count}}`;

const ODD: readonly (readonly [id: string, title: string, made: (id: string) => string])[] = [
  ["spaces", "spaces, the order of fields and 1.0 stay", (id) => `{ "z" : 1.0,"id":"${id}" , "a":1,"id":"twice"}`],
  [
    "unicode",
    "letters beyond ASCII, escapes and large numbers stay",
    (id) => `{"id":"${id}","name":"Schlüssel \\u00fc \u{1f511}","big":9007199254740993}`,
  ],
  ["quotes", "quotes, backslashes and % stay", (id) => `{"id":"${id}","name":"it's \\"mine\\" \\\\ <&> 100%s"}`],
  ["large", "a text of 8000 letters stays", (id) => `{"attestation":"${"A".repeat(8_000)}","id":"${id}"}`],
];

export async function save(probe: Probe, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) expectCode(SAVE, await probe.write(SAVE, bytes({ webauthn_credential: text })), "ok");
}

/** Text fields as Lua's bytes. */
function bytes(fields: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, text]) => [name, Buffer.from(text, "utf8").toString("latin1")]),
  );
}

export const change = (probe: Probe, before: string, after: string) =>
  probe.write(UPDATE, bytes({ webauthn_old_credential: before, webauthn_credential: after }));

const remove = (probe: Probe, text: string) => probe.write(DELETE, bytes({ webauthn_credential: text }));

/** Looks for texts that must be there once, and for some that must not. */
export async function expectListed(
  probe: Probe,
  call: ShortName,
  there: readonly string[],
  gone: readonly string[] = [],
): Promise<void> {
  const { values } = await probe.list(LIST);
  const missing = there.filter((text) => !values.includes(text)).length;
  const doubled = there.filter((text) => values.filter((value) => value === text).length > 1).length;
  const left = gone.filter((text) => values.includes(text)).length;
  expect(
    missing + doubled + left === 0,
    call,
    `${there.length} credentials of this text in the list, once each${gone.length === 0 ? "" : `, and ${gone.length} gone`}`,
    `${missing} missing or changed, ${doubled} twice, ${left} that should be gone`,
  );
}

/** The same to whoever compares without case or without the end's spaces. */
async function expectOthersKept(probe: Probe, call: ShortName, act: (text: string) => Promise<unknown>): Promise<void> {
  const one = credential(probe);
  await save(probe, one);
  const swapped = one.replace(/"id":"[^"]+"/, (id) => `"id":"${id.slice(6).toUpperCase()}`);
  for (const similar of [swapped, `${one} `]) if (similar !== one) await act(similar);
  await expectListed(probe, call, [one]);
}

const property = (id: string, after: readonly string[], rest: Omit<Property, "id" | "after">): Property => ({
  id: `webauthn.${id}`,
  needs: id.startsWith("update") ? [...KEPT, UPDATE] : KEPT,
  after: after.map((one) => (one.includes(".") ? one : `webauthn.${one}`)),
  ...rest,
});

export const CREDENTIALS: PropertyGroup = {
  title: "Security keys and passkeys (WebAuthn)",
  properties: [
    property("list", ["lookup.found"], {
      title: "the list of an account without credentials is empty and no failure",
      change: "Return OK with an empty table when there are none.",
      check: async (probe) => expectCode(LIST, (await probe.list(LIST)).code, "ok", "not_found"),
    }),
    property("save", ["list"], {
      title: "what is saved is in the list, beside the others",
      change: "Add one row for each credential; the list returns all of the account.",
      check: async (probe) => {
        const [one, two] = [credential(probe), credential(probe)];
        await save(probe, one, two);
        await expectListed(probe, SAVE, [one, two]);
      },
    }),
    ...ODD.map(([id, title, made]) =>
      property(`exact_${id}`, [["spaces", "large"].includes(id) ? "save" : "exact_spaces"], {
        title,
        change: TEXT,
        check: async (probe) => {
          const text = made(probe.fresh(24));
          await save(probe, text);
          await expectListed(probe, SAVE, [text]);
        },
      }),
    ),
    property("save_again", ["save"], {
      title: "saving a credential again changes nothing and is no failure",
      change: "Make account and credential unique together, and return OK for one that is there already (ON CONFLICT).",
      check: async (probe) => {
        const one = credential(probe);
        await save(probe, one, one);
        await expectListed(probe, SAVE, [one]);
      },
    }),
    property("delete", ["save"], {
      title: "a deletion takes that credential and no other",
      change: BYTES,
      check: async (probe) => {
        const [one, two, three] = [credential(probe), credential(probe), credential(probe)];
        await save(probe, one, two, three);
        expectCode(DELETE, await remove(probe, two), "ok");
        await expectListed(probe, DELETE, [one, three], [two]);
      },
    }),
    property("delete_again", ["delete"], {
      title: "deleting what is not there is no failure",
      change: "Return NOT_FOUND or OK when there is no such credential.",
      check: async (probe) => void (await remove(probe, credential(probe))),
    }),
    property("delete_similar", ["delete"], {
      title: "deleting a similar text takes nothing",
      change: BYTES,
      check: (probe) => expectOthersKept(probe, DELETE, (similar) => remove(probe, similar)),
    }),
    property("update", ["save"], {
      title: "an update puts the new text in the place of the old one and leaves the others",
      change: `Replace the one row with the old text. ${BYTES}`,
      check: async (probe) => {
        const [one, two, after] = [credential(probe), credential(probe), credential(probe, 1)];
        await save(probe, one, two);
        expectCode(UPDATE, await change(probe, one, after), "ok");
        await expectListed(probe, UPDATE, [two, after], [one]);
      },
    }),
    property("update_missing", ["update"], {
      title: "an update of what is not there is NOT_FOUND and adds nothing",
      change:
        "Return NOT_FOUND when no row had the old text (rows_affected is 0): OK would hide that a counter was lost.",
      check: async (probe) => {
        const [before, after] = [credential(probe), credential(probe, 1)];
        expectCode(UPDATE, await change(probe, before, after), "not_found");
        await expectListed(probe, UPDATE, [], [before, after]);
      },
    }),
    property("update_similar", ["update"], {
      title: "an update of a similar text changes nothing",
      change: BYTES,
      check: (probe) => expectOthersKept(probe, UPDATE, (similar) => change(probe, similar, credential(probe, 1))),
    }),
    property("unknown", ["save", "unknown.lookup"], {
      title: "nothing is saved for an unknown user",
      change:
        "Look for the account first (INSERT … SELECT … FROM accounts WHERE name = ?), and return NOT_FOUND without one.",
      check: async (probe) => {
        const code = await probe.write(SAVE, bytes({ webauthn_credential: credential(probe) }), probe.unknown);
        expectCode(SAVE, code, "not_found", "denied");
      },
    }),
    property("list_unknown", ["list", "unknown.lookup"], {
      title: "an unknown user has no credentials, and asking is no failure",
      change: "Return OK with an empty table, or NOT_FOUND.",
      check: async (probe) => {
        const { values } = await probe.list(LIST, probe.unknown);
        expect(values.length === 0, LIST, "an empty list", `${values.length} credentials`);
      },
    }),
    property("injection", ["unknown", "names.comment"], {
      title: "a name that ends SQL text saves nothing",
      change: "Use a prepared statement for the write too.",
      check: async (probe) => {
        const text = credential(probe);
        const code = await probe.write(SAVE, bytes({ webauthn_credential: text }), commented(probe.account));
        expectCode(SAVE, code, "not_found", "denied");
        await expectListed(probe, SAVE, [], [text]);
      },
    }),
  ],
};

/** Removes all credentials of a name. */
export async function removeCredentials(probe: Probe, name: string): Promise<void> {
  const { values } = await probe.list(LIST, name);
  for (const text of values) await probe.write(DELETE, bytes({ webauthn_credential: text }), name);
}
