import assert from "node:assert/strict";
import { test } from "node:test";
import type { Account, AccountBackend, PasswordOutcome } from "../../../src/backend/index.ts";
import { Secret } from "../../../src/kernel/index.ts";
import { subjectOf } from "../../../src/login/identity.ts";
import { createFailureFloor, createIdentities, createPasswordStep } from "../../../src/login/index.ts";
import { openStore } from "../../../src/store/index.ts";
import { type AuditEvent, createLogger } from "../../../src/telemetry/index.ts";
import { createThrottle } from "../../../src/throttle/index.ts";
import { CONTEXT } from "../../support/lua.ts";
import { createManualWorld } from "../../support/manual-clock.ts";

const ACCOUNT: Account = {
  name: "demo",
  backend: "default",
  unique_user_id: "u-1",
  display_name: undefined,
  attributes: {},
  groups: [],
  group_dns: [],
  totp_secret: undefined,
  recovery_codes: [],
};

async function given(answer: (username: string) => PasswordOutcome, took: (username: string) => number = () => 0) {
  const world = createManualWorld();
  const { clock } = world;
  const store = await openStore("memory:", world);
  const logger = createLogger({ level: "error", format: "json", write: () => undefined });
  const asked: string[] = [];
  const audited: AuditEvent[] = [];
  const backend = {
    verifyPassword: async (username: string) => {
      asked.push(username);
      clock.advance(took(username));
      return answer(username);
    },
  } as unknown as AccountBackend;
  const step = createPasswordStep({
    backend,
    throttle: createThrottle({
      store,
      clock,
      limits: {
        account: { limit: 10, window: 900_000 },
        address: { limit: 1_000, window: 900_000 },
        pair: { limit: 10, window: 900_000 },
        longest: 900_000,
      },
    }),
    identities: createIdentities({ store, clock, keepFor: 86_400_000, logger }),
    floor: createFailureFloor({ clock, minimum: 100 }),
    audit: { record: (event) => void audited.push(event) },
    logger,
    clock,
    showBackendMessage: false,
  });
  const check = async (username: string, password = "x") => {
    const started = clock.monotonic();
    const result = await step.check({ username, password: new Secret(password), context: CONTEXT, device: undefined });
    return { result, took: clock.monotonic() - started };
  };
  return { check, asked, audited, store };
}

const rejected = (because: "wrong_password" | "not_found" | "denied"): PasswordOutcome => ({
  code: "rejected",
  because,
  message: "secret reason",
});

test("wrong password, unknown user and refusal take the same time and say the same", async () => {
  const kinds = { wrong: "wrong_password", unknown: "not_found", banned: "denied" } as const;
  const { check } = await given(
    (name) => rejected(kinds[name as keyof typeof kinds]),
    (name) => (name === "unknown" ? 1 : 250),
  );
  for (let round = 0; round < 4; round += 1) await check("wrong");
  const answers = await Promise.all(["wrong", "unknown", "banned"].map((name) => check(name)));
  for (const { result } of answers) assert.deepEqual(result, { code: "rejected", message: undefined });
  const slowest = Math.max(...answers.map(({ took }) => took));
  assert.ok((await check("unknown")).took >= 250 && slowest >= 250);
});

test("names and passwords that cannot be real never reach a script", async () => {
  const { check, asked } = await given(() => ({ code: "accepted", account: ACCOUNT }));
  for (const name of ["", "a\u0000b", "a\nb", "\ud800", "a".repeat(257)])
    assert.equal((await check(name)).result.code, "rejected");
  for (const password of ["", "a\u0000b", "\ud800", "a".repeat(1_025)])
    assert.equal((await check("demo", password)).result.code, "rejected");
  assert.deepEqual(asked, []);
});

test("the eleventh guess is throttled without asking the backend, a failing backend does not count, and success starts anew", async () => {
  let outcome: PasswordOutcome = rejected("wrong_password");
  const { check, asked, audited } = await given(() => outcome);
  for (let tries = 0; tries < 10; tries += 1) assert.equal((await check("demo")).result.code, "rejected");
  const throttled = await check("demo");
  assert.ok(throttled.result.code === "throttled" && throttled.result.retryAfterMs > 0);
  assert.equal(asked.length, 10);
  assert.equal(audited.filter(({ event }) => event === "throttled").length, 1);

  outcome = { code: "unavailable", reason: "down" };
  for (let tries = 0; tries < 20; tries += 1) assert.equal((await check("other")).result.code, "unavailable");
  outcome = { code: "accepted", account: { ...ACCOUNT, name: "other", unique_user_id: "u-2" } };
  assert.equal((await check("other")).result.code, "accepted");
});

test("two accounts with one subject identifier: the second is refused", async () => {
  const { check } = await given((name) => ({ code: "accepted", account: { ...ACCOUNT, name, backend: name } }));
  assert.equal((await check("first")).result.code, "accepted");
  assert.equal((await check("second")).result.code, "rejected");
  assert.equal((await check("first")).result.code, "accepted");
});

test("the subject is the unique id, else the name, hashed when it is not 1 to 255 printable ASCII characters", () => {
  assert.equal(subjectOf({ name: "demo", unique_user_id: "42" }), "42");
  assert.equal(subjectOf({ name: "demo", unique_user_id: undefined }), "demo");
  for (const name of ["dämo", "a b", "a".repeat(256)])
    assert.match(subjectOf({ name, unique_user_id: undefined }), /^[\w-]{43}$/);
});
