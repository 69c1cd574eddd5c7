import { change, credential, expectListed, save } from "./credentials.ts";
import { expect } from "./deviation.ts";
import { together } from "./probe.ts";
import type { PropertyGroup } from "./property.ts";
import { expectCode, WRITES } from "./secrets.ts";

const AT_ONCE = 8;
const { TOTP, CODES, expectStored } = WRITES;

export const CONCURRENCY: PropertyGroup = {
  title: "Calls at the same time",
  properties: [
    {
      id: "concurrency.sign_in",
      title: "all of several sign-ins are accepted",
      after: ["password.right"],
      change: "Share no state between calls: keep what belongs to one call in local variables.",
      check: async (probe) => {
        const calls = Array.from({ length: AT_ONCE }, () => probe.signIn(probe.account, probe.password));
        const verdicts = await together(calls);
        const accepted = verdicts.filter((one) => one.kind === "account" && one.authenticated).length;
        expect(accepted === AT_ONCE, "verify_password", `${AT_ONCE} accepted`, `${accepted} accepted`);
      },
    },
    {
      id: "concurrency.save",
      title: "credentials that are saved at the same time are all kept",
      needs: ["get_webauthn_credentials", "save_webauthn_credential", "delete_webauthn_credential"],
      after: ["webauthn.save"],
      change: "Save by one statement that adds a row; do not read a list, change it and write it back.",
      check: async (probe) => {
        const texts = Array.from({ length: AT_ONCE }, () => credential(probe));
        await together(texts.map((text) => save(probe, text)));
        await expectListed(probe, "save_webauthn_credential", texts);
      },
    },
    {
      id: "concurrency.update",
      title: "of updates of one credential exactly one wins, and the others are NOT_FOUND",
      needs: [
        "get_webauthn_credentials",
        "save_webauthn_credential",
        "delete_webauthn_credential",
        "update_webauthn_credential",
      ],
      after: ["webauthn.update_missing"],
      change:
        "Compare and replace by one statement (UPDATE … SET credential = ? WHERE name = ? AND credential = ?) and look at rows_affected; a counter that is lost hides a copied key.",
      check: async (probe) => {
        const before = credential(probe);
        await save(probe, before);
        const afters = Array.from({ length: AT_ONCE }, (_, index) => credential(probe, index + 1));
        const codes = await together(afters.map((after) => change(probe, before, after)));
        const winners = afters.filter((_, index) => codes[index] === "ok");
        expect(winners.length === 1, "update_webauthn_credential", "one OK", `${winners.length} OK`);
        for (const code of codes) expectCode("update_webauthn_credential", code, "ok", "not_found");
        const losers = afters.filter((after) => !winners.includes(after));
        await expectListed(probe, "update_webauthn_credential", winners, [before, ...losers]);
      },
    },
    {
      id: "concurrency.codes",
      title: "of lists of recovery codes written at the same time one is there, whole",
      needs: [CODES.add, CODES.remove],
      after: ["codes.replace"],
      change: "Write the list by one statement, in one column or one transaction.",
      check: async (probe) => {
        const lists = Array.from({ length: AT_ONCE }, () => CODES.make(probe, false));
        await together(lists.map((list) => probe.write(CODES.add, CODES.fields(list))));
        const { codes } = await probe.stored();
        const whole = lists.find((list) => list.includes(codes[0] ?? ""));
        await expectStored(probe, CODES, whole ?? lists[0] ?? [], CODES.add);
      },
    },
    {
      id: "concurrency.apart",
      title: "an authenticator app and recovery codes written at the same time are both kept",
      needs: [TOTP.add, TOTP.remove, CODES.add, CODES.remove],
      after: ["totp.apart", "codes.apart"],
      change: "Change only the column that belongs to the function; do not read the whole account and write it back.",
      check: async (probe) => {
        for (let round = 0; round < 3; round += 1) {
          const [secret, codes] = [TOTP.make(probe, false), CODES.make(probe, false)];
          await together([probe.write(TOTP.add, TOTP.fields(secret)), probe.write(CODES.add, CODES.fields(codes))]);
          await expectStored(probe, TOTP, secret, TOTP.add);
          await expectStored(probe, CODES, codes, CODES.add);
        }
      },
    },
  ],
};
