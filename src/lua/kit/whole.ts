import { Deviation, expect, type ShortName } from "./deviation.ts";
import type { Probe } from "./probe.ts";
import type { PropertyGroup } from "./property.ts";

/** What people can do with functions of the contract that belong together. */
export const FEATURES: Readonly<Record<string, readonly ShortName[]>> = {
  "a list of all accounts": ["list_accounts"],
  "authenticator apps": ["add_totp", "delete_totp"],
  "recovery codes": ["add_totp_recovery_codes", "delete_totp_recovery_codes"],
  "security keys and passkeys": [
    "get_webauthn_credentials",
    "save_webauthn_credential",
    "delete_webauthn_credential",
    "update_webauthn_credential",
  ],
};

/** The parts of each feature that a script does not define. */
export function missingOf({ has }: Pick<Probe, "has">) {
  return Object.entries(FEATURES).flatMap(([feature, functions]) => {
    const missing = functions.filter((fn) => !has(fn));
    return missing.length === 0 ? [] : [{ feature, missing, isHalf: missing.length < functions.length }];
  });
}

const namesOf = async (probe: Probe): Promise<readonly string[]> => {
  const { code, values } = await probe.list("list_accounts");
  expect(code === "ok", "list_accounts", "OK", code.toUpperCase());
  return values;
};

export const ACCOUNTS: PropertyGroup = {
  title: "List of accounts",
  properties: [
    {
      id: "accounts.list",
      title: "the account is in the list",
      needs: ["list_accounts"],
      after: ["lookup.found"],
      change: "Return OK and a list of the names that account_field gives, of all accounts.",
      check: async (probe) => {
        const names = await namesOf(probe);
        expect(names.includes(probe.account), "list_accounts", "a list with the account", `${names.length} others`);
      },
    },
    {
      id: "accounts.once",
      title: "every account is in the list once",
      needs: ["list_accounts"],
      after: ["accounts.list"],
      change: "Select every name once (DISTINCT).",
      check: async (probe) => {
        const names = await namesOf(probe);
        const doubled = names.length - new Set(names).size;
        expect(doubled === 0, "list_accounts", "every name once", `${doubled} names again`);
      },
    },
  ],
};

/** Runs last: about all calls before it. */
export const WHOLE: PropertyGroup = {
  title: "The script as a whole",
  properties: [
    {
      id: "script.complete",
      title: "what is offered has all its functions",
      change:
        "Define the missing functions too, or none of them: a factor that can be set up must be removable and usable.",
      check: async (probe) => {
        const half = missingOf(probe).find(({ isHalf }) => isHalf);
        if (half === undefined) return;
        const [missing = "verify_password"] = half.missing;
        throw new Deviation(missing, `all functions for ${half.feature}`, `no ${half.missing.join(", ")}`);
      },
    },
    {
      id: "script.secrets",
      title: "no password, secret or recovery code was logged or raised",
      change:
        "Take request.password, totp_secret and codes out of what goes to print, log_*, custom_log_add and error.",
      check: async (probe) => {
        const [first, ...others] = probe.leaks();
        const more = others.length === 0 ? "" : ` and ${others.length} more`;
        expect(first === undefined, "verify_password", "none", `${first?.trim().slice(0, 300) ?? ""}${more}`);
      },
    },
    {
      id: "script.time",
      title: "every call takes less than half of the time it may take",
      change: "Make the call faster (an index, a timeout for requests), or raise limits.call of the backend.",
      check: async (probe) => {
        const { call, milliseconds } = probe.slowest();
        const half = probe.limit / 2;
        expect(milliseconds < half, call, `at most ${half.toFixed(0)} ms`, `${milliseconds.toFixed(0)} ms`);
      },
    },
  ],
};
