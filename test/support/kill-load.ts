import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { seedDemoAccounts } from "../../src/lua/index.ts";
import { codesOn } from "./factors.ts";
import { CODES, SECRET, type Steps, type Trip, trip, want } from "./faulty-idp.ts";

/** People of each kind: `app…` have an authenticator app and recovery codes, `plain…` nothing. */
const PEOPLE = 5_000;

export async function seedPeople(path: string): Promise<void> {
  await seedDemoAccounts(path, [{ username: "demo", password: "right", display_name: "Demo", groups: [] }]);
  const database = new DatabaseSync(path);
  for (const [kind, secret, codes] of [
    ["app", SECRET, CODES.join(",")],
    ["plain", null, null],
  ] as const)
    database
      .prepare(
        `INSERT INTO accounts (username, password_hash, unique_id, display_name, totp_secret, recovery_codes)
         WITH RECURSIVE numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ${PEOPLE})
         SELECT ?1 || n, password_hash, ?1 || n, display_name, ?2, ?3 FROM accounts, numbers WHERE username = 'demo'`,
      )
      .run(kind, secret, codes);
  database.close();
}

/** Something somebody did before the program was killed, and what must hold of it afterwards. */
export interface Deed {
  readonly what: "sign-in" | "recovery" | "enrolment" | "regeneration";
  /** Answers so far. */
  answers(): number;
  /** How many things were acknowledged or at least sent. */
  facts(): number;
  /** @throws AssertionError when an acknowledged fact is gone, or something used lives again. */
  verify(): Promise<void>;
}

export interface Load {
  /** Does one thing after another until the program is gone, and notes each deed before its first request leaves. */
  lane(note: (deed: Deed) => void, pick: () => number): Promise<never>;
}

/** What people and applications do all the time, each with an account of their own. */
export function createLoad(steps: Steps, accounts: string): Load {
  let next = 0;
  const visitor = (kind: "app" | "plain"): Trip => trip(`${kind}${next++ % PEOPLE}`);
  return {
    async lane(note, pick) {
      for (;;) {
        const kind = pick();
        const deed =
          kind < 0.6
            ? signIn(steps, visitor("app"), pick)
            : kind < 0.75
              ? recovery(steps, visitor("app"))
              : kind < 0.9
                ? regeneration(steps, visitor("app"), accounts)
                : enrolment(steps, visitor("plain"));
        note(deed);
        await deed.run();
      }
    },
  };
}

type Running = Deed & { run(): Promise<void> };

/** A thing that is good once. It is noted when it is sent. */
interface Use {
  readonly value: string;
  isAnswered: boolean;
}

/** Password, authenticator app, consent, code, and refresh tokens one after the other. */
function signIn(steps: Steps, one: Trip, pick: () => number): Running {
  const { oidc } = steps;
  const { witness } = one;
  const url = oidc.authorizeUrl("app", { scope: "openid offline_access", prompt: "consent" });
  const uses: { code: Use | undefined; readonly refresh: Use[]; held: string | undefined } = {
    code: undefined,
    refresh: [],
    held: undefined,
  };
  let isIn = false;
  const redeem = (value: string) => witness.api(() => oidc.redeem(value));
  const refresh = (value: string) =>
    witness.api(() => oidc.token({ grant_type: "refresh_token", refresh_token: value }));
  /** Sends a thing that is good once, and notes whether that was answered. */
  const spend = async (value: string, by: typeof redeem, note: (use: Use) => void): Promise<void> => {
    const use: Use = { value, isAnswered: false };
    note(use);
    uses.held = undefined;
    const answer = await by(value);
    want(answer.status === 200, answer);
    use.isAnswered = true;
    uses.held = (JSON.parse(answer.body) as { refresh_token: string }).refresh_token;
  };
  const goodOnce = async (use: Use | undefined, by: typeof redeem, what: string): Promise<void> => {
    if (use === undefined) return;
    const first = await by(use.value);
    assert.ok(first.status === 400 || (first.status === 200 && !use.isAnswered), `${what} lives again`);
    if (first.status === 200) assert.equal((await by(use.value)).status, 400, `${what} was good twice`);
  };
  return {
    what: "sign-in",
    answers: () => one.witness.answers.length,
    facts: () => one.sent.size + uses.refresh.length + Number(uses.held !== undefined),
    async run() {
      const proven = await steps.prove(one, await steps.password(one, url), "totp", steps.code());
      want(proven.status === 200, proven);
      const consent = await steps.passOn(one, proven);
      isIn = true;
      const allowed = await steps.next(one, consent, { decision: "allow", "scope.offline_access": "on" });
      await spend(await steps.grant(one, allowed), redeem, (use) => (uses.code = use));
      for (let generation = 0; generation < 3; generation += 1)
        await spend(uses.held ?? "", refresh, (use) => uses.refresh.push(use));
    },
    async verify() {
      if (isIn) assert.ok(await steps.isIn(one), "an acknowledged session is gone");
      await steps.goodOnce(one, "totp");
      if (uses.held !== undefined) assert.equal((await refresh(uses.held)).status, 200, "a refresh token is gone");
      // The first thing that is used again ends the grant, so that only one of them is a test.
      const checks = [
        () => goodOnce(uses.code, redeem, "an authorization code"),
        () => goodOnce(uses.refresh.at(-1), refresh, "a refresh token"),
      ];
      for (const check of pick() < 0.5 ? checks : checks.toReversed()) await check();
    },
  };
}

function recovery(steps: Steps, one: Trip): Running {
  let isIn = false;
  return {
    what: "recovery",
    answers: () => one.witness.answers.length,
    facts: () => one.sent.size,
    async run() {
      const home = await steps.prove(one, await steps.password(one, "/account"), "recovery", CODES[0] ?? "");
      want(new URL(home.location ?? home.url).pathname === "/account", home);
      isIn = true;
    },
    async verify() {
      if (isIn) assert.ok(await steps.isIn(one), "an acknowledged session is gone");
      await steps.goodOnce(one, "recovery");
    },
  };
}

/** New recovery codes for old ones: whenever the program dies, one whole list is there (row 130). */
function regeneration(steps: Steps, one: Trip, accounts: string): Running {
  let isDone = false;
  let codes = "";
  return {
    what: "regeneration",
    answers: () => one.witness.answers.length,
    facts: () => one.sent.size + Number(isDone),
    async run() {
      const home = await steps.prove(one, await steps.password(one, "/account"), "totp", steps.code());
      want(new URL(home.location ?? home.url).pathname === "/account", home);
      const shown = await steps.open(one, "/account/methods/codes");
      codes = codesOn(shown).join();
      want(codes !== "", shown);
      const done = await steps.next(one, shown, { saved: "on" });
      want(/Your recovery codes are saved/.test(done.body), done);
      isDone = true;
    },
    async verify() {
      const database = new DatabaseSync(accounts, { readOnly: true });
      const row = database.prepare("SELECT recovery_codes AS codes FROM accounts WHERE username = ?").get(one.user);
      database.close();
      const stored = String(row?.["codes"]);
      assert.ok(
        stored === codes || (!isDone && stored === CODES.join()),
        "neither the old recovery codes nor the new ones",
      );
    },
  };
}

function enrolment(steps: Steps, one: Trip): Running {
  let isDone = false;
  let confirmedBy = "";
  return {
    what: "enrolment",
    answers: () => one.witness.answers.length,
    facts: () => one.sent.size + Number(isDone),
    async run() {
      await steps.password(one, "/account");
      const setup = await steps.open(one, "/account/methods/totp");
      const secret = /<code dir="ltr">([A-Z2-7 ]+)<\/code>/.exec(setup.body)?.[1]?.replaceAll(" ", "") ?? "";
      want(secret !== "", setup);
      confirmedBy = steps.code(secret);
      const shown = await steps.next(one, setup, { code: confirmedBy });
      want(shown.status === 200 && /<li><code dir="ltr">/.test(shown.body), shown);
      isDone = true;
    },
    async verify() {
      if (confirmedBy === "") return;
      const other = trip(one.user);
      const page = await steps.password(other, "/account");
      if (isDone) assert.match(page.body, /6-digit code/, "an enrolled factor is gone");
      if (!/6-digit code/.test(page.body)) return;
      const again = await steps.land(other, await steps.prove(other, page, "totp", confirmedBy));
      assert.match(again.body, /already used/, "the code that confirmed an app was good twice");
    },
  };
}
