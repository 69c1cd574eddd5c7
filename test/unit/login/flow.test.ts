import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readAnswer } from "../../../src/login/answers.ts";
import { advance, type LoginEvent, type LoginState } from "../../../src/login/flow.ts";

const ACCOUNT = { subject: "u", name: "demo", backend: "default", unique_user_id: "u", display_name: "Demo" };
const ASK = { scopes: ["openid", "profile", "groups", "offline_access"], claims: ["phone"] };

const states: fc.Arbitrary<LoginState> = fc.constantFrom<LoginState>(
  { at: "identify", username: "", fixed: false },
  { at: "identify", username: "demo", fixed: true },
  { at: "choose", account: ACCOUNT },
  { at: "consent", account: ACCOUNT, ask: ASK },
  { at: "refused", account: ACCOUNT },
);
const events: fc.Arbitrary<LoginEvent> = fc.oneof(
  fc.constantFrom<LoginEvent>(
    { kind: "account_confirmed" },
    { kind: "other_account" },
    { kind: "back" },
    { kind: "cancelled" },
  ),
  fc.record({
    kind: fc.constant("password_accepted" as const),
    account: fc.constant(ACCOUNT),
    authTime: fc.nat(),
    remember: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant("consent" as const),
    decision: fc.constantFrom("allow" as const, "deny" as const),
    optional: fc.subarray(["groups", "offline_access", "profile", "admin"]).map((scopes) => new Set(scopes)),
  }),
);

test("no sequence of events signs anyone in without an accepted password, and nothing leaves a finished attempt", () => {
  fc.assert(
    fc.property(states, fc.array(events, { maxLength: 12 }), (start, sequence) => {
      let state = start;
      let hasProof = false;
      for (const event of sequence) {
        const next = advance(state, event);
        if (state.at === "done") assert.equal(next, undefined);
        if (next === undefined) continue;
        hasProof ||= event.kind === "password_accepted";
        state = next;
      }
      if (state.at === "done" && state.outcome.kind === "signed_in") assert.ok(hasProof);
    }),
  );
});

test("consent grants what was asked for and ticked, never more, and openid is not optional", () => {
  fc.assert(
    fc.property(events, (event) => {
      const next = advance({ at: "consent", account: ACCOUNT, ask: ASK }, event);
      if (event.kind !== "consent") return assert.equal(next, undefined);
      assert.ok(next?.at === "done");
      if (event.decision === "deny") return assert.deepEqual(next.outcome, { kind: "consent_denied" });
      assert.ok(next.outcome.kind === "consented");
      const { scopes, rejected } = next.outcome;
      assert.deepEqual([...scopes, ...rejected].toSorted(), [...ASK.scopes].toSorted());
      assert.ok(scopes.includes("openid") && scopes.includes("profile"));
      assert.equal(scopes.includes("offline_access"), event.optional.has("offline_access"));
    }),
  );
});

test("a form says nothing about a state it does not belong to, and the name of a known person cannot be changed by it", () => {
  const fixed: LoginState = { at: "identify", username: "demo", fixed: true };
  const answer = readAnswer(fixed, { username: "editor", password: "x", remember: "on" });
  assert.ok(answer.kind === "password");
  assert.equal(answer.username, "demo");
  assert.equal(
    readAnswer({ at: "consent", account: ACCOUNT, ask: ASK }, { username: "demo", password: "x" }).kind,
    "nonsense",
  );
  assert.equal(readAnswer({ at: "choose", account: ACCOUNT }, { decision: "allow" }).kind, "nonsense");
  assert.equal(readAnswer({ at: "refused", account: ACCOUNT }, { decision: "continue" }).kind, "nonsense");
  assert.equal(readAnswer({ at: "done", outcome: { kind: "cancelled" } }, { decision: "allow" }).kind, "nonsense");
});
