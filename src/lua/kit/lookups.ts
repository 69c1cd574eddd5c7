import { isDeepStrictEqual } from "node:util";
import { Deviation, expect } from "./deviation.ts";
import { shown } from "./passwords.ts";
import type { Probe, Verdict } from "./probe.ts";
import type { PropertyGroup } from "./property.ts";

type Found = Extract<Verdict, { kind: "account" }>;

async function found(probe: Probe, ask: Promise<Verdict>): Promise<Found> {
  const verdict = await ask;
  if (verdict.kind === "account") return verdict;
  throw new Deviation("verify_password", `OK and user_found for ${probe.account}`, shown(verdict));
}

const HASH = /^(?:\{[A-Z0-9-]+(?:\.[A-Z0-9]+)?\}|\$(?:argon2|2[abxy]|[1567]|apr1|scrypt|pbkdf2|y)).{10}/;

async function expectIn(
  probe: Probe,
  expected: string,
  got: (values: readonly (readonly [string, readonly string[]])[]) => string | undefined,
): Promise<void> {
  const { account } = await found(probe, probe.lookup(probe.account));
  const wrong = got(Object.entries(account.attributes));
  expect(wrong === undefined, "verify_password", expected, wrong ?? "");
}

export const LOOKUPS: PropertyGroup = {
  title: "Lookups (no_auth)",
  properties: [
    {
      id: "lookup.found",
      title: "a lookup finds the account without a password",
      after: ["password.right"],
      change:
        "Where request.no_auth is true, compare no password: return BACKEND_RESULT_OK with user_found(true) and the attributes.",
      check: async (probe) => void (await found(probe, probe.lookup(probe.account))),
    },
    {
      id: "lookup.account",
      title: "account_field names an attribute that is there",
      after: ["lookup.found"],
      change: "Put the account's name into the attributes under the name that account_field gets.",
      check: async (probe) => {
        const { hint } = await found(probe, probe.lookup(probe.account));
        expect(hint === undefined, "verify_password", "the named attribute", hint ?? "");
      },
    },
    {
      id: "lookup.name",
      title: "the account comes back by its name",
      after: ["lookup.found"],
      change:
        "Let account_field name the attribute that holds the name which finds the account again; if the account is stored by another name, run the kit with that one.",
      check: async (probe) => {
        const { account } = await found(probe, probe.lookup(probe.account));
        expect(account.name === probe.account, "verify_password", `the account ${probe.account}`, account.name);
      },
    },
    {
      id: "lookup.same",
      title: "a lookup tells the same as a sign-in",
      after: ["lookup.stable"],
      change:
        "Fill account, unique id, display name, attributes and groups in the same way with and without no_auth: claims are read by lookups.",
      check: async (probe) => {
        const [{ account: one }, { account: other }] = [
          await found(probe, probe.signIn(probe.account, probe.password)),
          await found(probe, probe.lookup(probe.account)),
        ];
        const names = ["name", "unique_user_id", "display_name", "attributes", "groups", "group_dns"] as const;
        const differ = names.filter((name) => !isDeepStrictEqual(one[name], other[name]));
        expect(differ.length === 0, "verify_password", "the same account", `another ${differ.join(", ")}`);
      },
    },
    {
      id: "lookup.stable",
      title: "the unique id never changes",
      after: ["lookup.found"],
      change: "Keep the unique id in the account's row; do not make a new one in a call. It becomes `sub`.",
      check: async (probe) => {
        const ids = new Set<string | undefined>();
        for (let time = 0; time < 3; time += 1)
          ids.add((await found(probe, probe.lookup(probe.account))).account.unique_user_id);
        expect(ids.size === 1, "verify_password", "one unique id", `${ids.size} in three lookups`);
      },
    },
    {
      id: "lookup.utf8",
      title: "attributes are UTF-8",
      after: ["lookup.found"],
      change: "Let the database's connection use UTF-8, or convert before you hand attributes over.",
      check: (probe) =>
        expectIn(probe, "text in UTF-8", (all) => {
          const bad = all.find(([name, values]) => [name, ...values].some((text) => text.includes("\ufffd")));
          return bad === undefined ? undefined : `other bytes in the attribute ${bad[0]}`;
        }),
    },
    {
      id: "lookup.hash",
      title: "no attribute holds the password or its hash",
      after: ["lookup.found"],
      change: "Leave the password column out of the attributes: attributes may become claims.",
      check: (probe) =>
        expectIn(probe, "no password", (all) => {
          const bad = all.find(([, values]) => values.some((text) => text === probe.password || HASH.test(text)));
          return bad === undefined ? undefined : `one in the attribute ${bad[0]}`;
        }),
    },
  ],
};
