import { expect } from "./deviation.ts";
import type { Probe, Verdict } from "./probe.ts";
import type { Property, PropertyGroup } from "./property.ts";

/** What a verdict says, for a finding. */
export function shown(verdict: Verdict): string {
  if (verdict.kind === "nobody") return verdict.code === "ok" ? "OK without user_found" : verdict.code.toUpperCase();
  return `an account${verdict.authenticated ? " that is authenticated" : ""}`;
}

async function expectRejection(probe: Probe, name: string, typed: string): Promise<void> {
  const verdict = await probe.signIn(name, typed);
  const isIn = verdict.kind === "account" && verdict.authenticated;
  expect(!isIn, "verify_password", "a rejection", shown(verdict));
}

const swapCase = (text: string): string =>
  text.replaceAll(/\p{L}/gu, (letter) =>
    letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase(),
  );

/** Texts that are not the password: which, made of the right one, and what lets it in. */
const OTHERS: readonly (readonly [id: string, title: string, made: (right: string) => string, change: string])[] = [
  [
    "empty",
    "an empty password is rejected",
    () => "",
    "Look at request.no_auth, not at an empty password, to tell a lookup from a sign-in.",
  ],
  [
    "case",
    "the password in the other case is rejected",
    (right) => (swapCase(right) === right ? `${right}A` : swapCase(right)),
    "Compare passwords exactly; give compare_passwords what was typed.",
  ],
  [
    "longer",
    "the password with more behind it is rejected",
    (right) => `${right}x`,
    "Do not cut the password: some hashes look at its beginning only. Use compare_passwords.",
  ],
  [
    "shorter",
    "the beginning of the password is rejected",
    (right) => right.slice(0, -1),
    "Compare the whole password, not its beginning or a pattern.",
  ],
  ["space", "the password with a space behind it is rejected", (right) => `${right} `, "Do not trim the password."],
  [
    "nul",
    "the password with a NUL behind it is rejected",
    (right) => `${right}\u0000x`,
    "Hand over the password with its whole length; it may hold any byte.",
  ],
  ["wildcard", "a wildcard is no password", () => "%", "Compare with = and never with LIKE or a pattern."],
  [
    "injection",
    "a password that is SQL is rejected",
    () => "' OR 'pass'='pass",
    "Use a prepared statement (stmt with ?) and compare the hash by compare_passwords.",
  ],
  [
    "unicode",
    "a password with letters beyond ASCII is rejected and no failure",
    () => "pä\u{1f511}'\"\\ss",
    "Treat the password as bytes; quote nothing by hand.",
  ],
  [
    "long",
    "a password of 5000 bytes is rejected and no failure",
    () => "x".repeat(5_000),
    "Return OK with authenticated(false) for a password that is too long; it is no failure.",
  ],
];

async function expectAcceptance(probe: Probe): Promise<void> {
  const verdict = await probe.signIn(probe.account, probe.password);
  expect(
    verdict.kind === "account" && verdict.authenticated,
    "verify_password",
    "OK, user_found and authenticated",
    shown(verdict),
  );
}

export const PASSWORDS: PropertyGroup = {
  title: "Passwords",
  properties: [
    {
      id: "password.right",
      title: "the right password is accepted",
      change:
        "Return BACKEND_RESULT_OK with a result object that has user_found(true), authenticated(true) and account_field. If the password that was given is not the account's, give the right one.",
      check: expectAcceptance,
    },
    {
      id: "password.wrong",
      title: "a wrong password is rejected and no failure",
      after: ["password.right"],
      change: "Return BACKEND_RESULT_OK with authenticated(false); BACKEND_RESULT_ERROR is for what is broken.",
      check: (probe) => expectRejection(probe, probe.account, probe.fresh(12)),
    },
    ...OTHERS.map(
      ([id, title, made, change]): Property => ({
        id: `password.${id}`,
        title,
        // Both are longer too.
        after: [["space", "nul"].includes(id) ? "password.longer" : "password.wrong"],
        change,
        check: (probe) => expectRejection(probe, probe.account, made(probe.password)),
      }),
    ),
    {
      id: "password.again",
      title: "the right password is accepted after wrong ones",
      after: ["password.wrong"],
      change: "Do not lock the account in the script: the provider throttles guessing itself.",
      check: expectAcceptance,
    },
  ],
};

const ROUNDS = 9;
/** Milliseconds nobody measures over a network. */
const NOISE = 10;

export function unknownUsers(now: () => number): PropertyGroup {
  const timeOf = async (probe: Probe, name: string): Promise<number> => {
    const from = now();
    await probe.signIn(name, "wrong");
    return now() - from;
  };
  return {
    title: "Unknown users",
    properties: [
      {
        id: "unknown.lookup",
        title: "a lookup of an unknown user finds nobody and is no failure",
        after: ["lookup.found"],
        change:
          "Return BACKEND_RESULT_NOT_FOUND where there is no row; raise or return BACKEND_RESULT_ERROR only for what is broken.",
        check: (probe) => expectNoLookup(probe, probe.unknown),
      },
      {
        id: "unknown.password",
        title: "an unknown user is rejected with every password",
        after: ["unknown.lookup"],
        change: "Return BACKEND_RESULT_NOT_FOUND before any password is compared with an account.",
        check: (probe) => expectNoSignIn(probe, probe.unknown),
      },
      {
        id: "unknown.empty",
        title: "the empty name is nobody",
        after: ["unknown.password"],
        change: "Treat an empty request.username like a name that nobody has.",
        check: (probe) => expectNobody(probe, ""),
      },
      {
        id: "unknown.time",
        title: "an unknown user takes the time of a wrong password",
        after: ["unknown.password", "password.wrong"],
        change:
          "Compare the password with a fixed hash of the same format when there is no such user, as lua/sqlite.lua does; the time tells who exists.",
        check: async (probe) => {
          const times: { known: number; unknown: number }[] = [];
          for (let round = 0; round < ROUNDS; round += 1)
            times.push({ known: await timeOf(probe, probe.account), unknown: await timeOf(probe, probe.unknown) });
          // What else the machine does only adds to a time.
          const known = Math.min(...times.map((time) => time.known));
          const unknown = Math.min(...times.map((time) => time.unknown));
          expect(
            Math.abs(known - unknown) <= Math.max(NOISE, Math.max(known, unknown) / 2),
            "verify_password",
            `about ${known.toFixed(0)} ms, as for a wrong password`,
            `${unknown.toFixed(0)} ms`,
          );
        },
      },
    ],
  };
}

async function expectNoLookup(probe: Probe, name: string): Promise<void> {
  const verdict = await probe.lookup(name);
  expect(verdict.kind === "nobody", "verify_password", "NOT_FOUND in a lookup", shown(verdict));
}

async function expectNoSignIn(probe: Probe, name: string): Promise<void> {
  const verdict = await probe.signIn(name, probe.password);
  expect(verdict.kind === "nobody", "verify_password", "NOT_FOUND with the right password", shown(verdict));
}

/** Neither a lookup nor a sign-in knows the name. */
export async function expectNobody(probe: Probe, name: string): Promise<void> {
  await expectNoLookup(probe, name);
  await expectNoSignIn(probe, name);
}
