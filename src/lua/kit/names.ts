import { expect } from "./deviation.ts";
import { expectNobody, shown } from "./passwords.ts";
import type { Probe } from "./probe.ts";
import type { Property, PropertyGroup } from "./property.ts";

const PREPARED =
  "Use a prepared statement: connection:stmt('… WHERE name = ?'), then :query(request.username). Never put a value into SQL text.";
const EXACT =
  "Compare names exactly: with = and not LIKE, with == and not string.find, and escape what goes into a filter.";

/** A name that says something to SQL and means the test account alone, so that no other account is ever written to. */
export const commented = (account: string): string => `${account}' -- `;

/** Names that are nobody, and what finds somebody by them. */
const HOSTILE: readonly (readonly [id: string, title: string, made: (account: string) => string, change: string])[] = [
  ["comment", "a name that ends SQL text is nobody", commented, PREPARED],
  ["or", "a name that is a condition of SQL is nobody", () => "x' OR 'a'='a", PREPARED],
  ["or_quoted", "a name that is a condition in double quotes is nobody", () => 'x" OR "a"="a', PREPARED],
  ["backslash", "a name with quotes and backslashes is nobody and no failure", () => `a\\'"\\\\b`, PREPARED],
  ["percent", "the name % is nobody", () => "%", EXACT],
  ["underscore", "_ stands for no letter of a name", (account) => `_${account.slice(1)}`, EXACT],
  ["star", "the name * is nobody", () => "*", EXACT],
  ["filter", "a name that is a filter of LDAP is nobody", () => "*)(uid=*", EXACT],
  ["pattern", "a name that is a pattern is nobody", () => ".+", EXACT],
  ["longer", "a name with more behind it is nobody", (account) => `${account}-moonlatch-kit`, EXACT],
  [
    "path",
    "a name that is a path is nobody",
    (account) => `../${account}`,
    "Do not make file names or URL paths of request.username without encoding it.",
  ],
  [
    "unicode",
    "a name beyond ASCII is nobody and no failure",
    () => "Zoë-\u{1f511}-ключ",
    "Take any UTF-8 in names: let the database and its connection use UTF-8 (utf8mb4), and return NOT_FOUND.",
  ],
  [
    "control",
    "a name with control characters is nobody and no failure",
    () => "a\nb\tc\u0007",
    "Encode request.username for the place it goes to (JSON, headers, URLs); return NOT_FOUND.",
  ],
  [
    "long",
    "a name of 1000 letters is nobody and no failure",
    () => "x".repeat(1_000),
    "Return BACKEND_RESULT_NOT_FOUND for a name that is too long for a column.",
  ],
];

/** Another spelling may find the account, under the name it is stored by. */
const SPELLINGS: readonly (readonly [id: string, title: string, made: (account: string) => string])[] = [
  ["case", "the name in capitals is nobody or the account by its own name", (account) => account.toUpperCase()],
  ["space", "the name with a space behind it is nobody or the account by its own name", (account) => `${account} `],
];

async function expectSame(probe: Probe, spelled: string): Promise<void> {
  const verdict = await probe.lookup(spelled);
  if (verdict.kind === "nobody") return;
  expect(
    verdict.account.name === probe.account,
    "verify_password",
    `NOT_FOUND, or the account ${probe.account}`,
    `${shown(verdict)} by another name`,
  );
}

export const NAMES: PropertyGroup = {
  title: "Names",
  properties: [
    ...HOSTILE.map(
      ([id, title, made, change]): Property => ({
        id: `names.${id}`,
        title,
        // LIKE has two wildcards.
        after: [id === "underscore" ? "names.percent" : "unknown.password"],
        change,
        check: (probe) => expectNobody(probe, made(probe.account)),
      }),
    ),
    ...SPELLINGS.map(
      ([id, title, made]): Property => ({
        id: `names.${id}`,
        title,
        after: ["unknown.lookup"],
        change:
          "Put the stored name, not request.username, into the attribute that account_field names: one person must not be two accounts.",
        check: (probe) => expectSame(probe, made(probe.account)),
      }),
    ),
  ],
};
