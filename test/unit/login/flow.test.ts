import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { readAnswer } from "../../../src/login/answers.ts";
import { advance, type LoginEvent, type LoginState, type ProvableMethod } from "../../../src/login/flow.ts";
import type { Demand, Summary } from "../../../src/login/plan.ts";
import { DEFAULT_LEVELS, type Proof } from "../../../src/login/proofs.ts";

const ACCOUNT = { subject: "u", name: "demo", backend: "default", unique_user_id: "u", display_name: "Demo" };
const ASK = { scopes: ["openid", "profile", "groups", "offline_access"], claims: ["phone"] };
const NOW = 1_000_000;
const FRESH = 600;

const level = fc.constantFrom(1 as const, 2 as const, 3 as const);
const method = fc.constantFrom("totp" as const, "webauthn" as const, "recovery" as const);
const demands: fc.Arbitrary<Demand> = fc.record({
  policy: level,
  essential: level,
  wish: level,
  methods: fc.subarray(["webauthn" as const, "totp" as const, "recovery" as const], { minLength: 1 }),
  allowTrust: fc.boolean(),
});
const summaries: fc.Arbitrary<Summary> = fc.record({
  totp: fc.constantFrom("none" as const, "ready" as const, "unreadable" as const),
  keys: fc.nat({ max: 2 }),
  unreadableKeys: fc.nat({ max: 1 }),
  recovery: fc.nat({ max: 2 }),
  enrolmentCode: fc.boolean(),
  can: fc.record({ totp: fc.boolean(), webauthn: fc.boolean(), recovery: fc.boolean() }),
  isTrusted: fc.boolean(),
  lastUsed: fc.constant(undefined),
});
const states: fc.Arbitrary<LoginState> = fc.oneof(
  fc.constantFrom<LoginState>(
    { at: "identify", username: "", fixed: false },
    { at: "identify", username: "demo", fixed: true },
    { at: "choose", account: ACCOUNT },
    { at: "consent", account: ACCOUNT, ask: ASK },
    { at: "refused", account: ACCOUNT },
    { at: "more", account: ACCOUNT, proofs: [], remember: false },
    { at: "more", account: ACCOUNT, proofs: [{ method: "password", at: NOW - 5 }], remember: false },
    { at: "more", account: ACCOUNT, proofs: [{ method: "password", at: NOW - 9_000 }], remember: false },
  ),
);
const proofBy = <Name extends Proof["method"]>(name: Name) => ({ method: name, at: NOW });
const events: fc.Arbitrary<LoginEvent> = fc.oneof(
  fc.constantFrom<LoginEvent>(
    { kind: "account_confirmed" },
    { kind: "other_account" },
    { kind: "back" },
    { kind: "cancelled" },
    { kind: "other_method" },
    { kind: "other_kind" },
    { kind: "codes_saved" },
    { kind: "signed_in_by", account: ACCOUNT, proof: proofBy("password"), remember: false },
    { kind: "signed_in_by", account: ACCOUNT, proof: proofBy("passkey"), remember: true },
    { kind: "kind_chosen", enrol: "totp" },
    { kind: "kind_chosen", enrol: "webauthn" },
    { kind: "enrolled", proof: proofBy("totp") },
    { kind: "enrolled", proof: proofBy("webauthn") },
    { kind: "proven", proof: proofBy("enrolment_code") },
    { kind: "method_chosen", method: "enrolment_code" },
  ),
  method.map((one): LoginEvent => ({ kind: "method_chosen", method: one })),
  method.map((one): LoginEvent => ({ kind: "proven", proof: proofBy(one) })),
  fc.constant<LoginEvent>({ kind: "factors_read", has: undefined as never }),
  fc.record({
    kind: fc.constant("consent" as const),
    decision: fc.constantFrom("allow" as const, "deny" as const),
    optional: fc.subarray(["groups", "offline_access", "profile", "admin"]).map((scopes) => new Set(scopes)),
  }),
);

/** What really happened, kept beside the machine and without it. */
interface Truth {
  readonly first: boolean;
  readonly second: ReadonlySet<ProvableMethod | "passkey">;
  readonly added: ReadonlySet<string>;
}

const NOTHING: Truth = { first: false, second: new Set(), added: new Set() };

function truthAfter(truth: Truth, event: LoginEvent): Truth {
  if (event.kind === "signed_in_by")
    return { ...NOTHING, first: true, second: new Set(event.proof.method === "passkey" ? ["passkey" as const] : []) };
  if (event.kind === "other_account") return NOTHING;
  if (event.kind === "proven")
    return { ...truth, second: new Set([...truth.second, event.proof.method as ProvableMethod]) };
  return event.kind === "enrolled" ? { ...truth, added: new Set([...truth.added, event.proof.method]) } : truth;
}

/** The strongest level those facts allow to state, counting only methods the application accepts. */
function provenLevel({ second, added }: Truth, counts: Demand["methods"]): number {
  const has = (name: "totp" | "webauthn" | "recovery") =>
    (second.has(name) || added.has(name)) && counts.includes(name);
  if (has("webauthn") || (second.has("passkey") && counts.includes("webauthn"))) return 3;
  return has("totp") || has("recovery") ? 2 : 1;
}

interface Life {
  readonly start: LoginState;
  readonly has: Summary;
  readonly demand: Demand;
  readonly sequence: readonly LoginEvent[];
}

/** Lets the events happen; where it ended, and what is true then. */
function live({ start, has, demand, sequence }: Life): { readonly end: LoginState; readonly truth: Truth } {
  const rules = { demand, levels: DEFAULT_LEVELS, now: NOW, freshFor: FRESH };
  let end = start;
  let truth: Truth = start.at === "more" ? { ...NOTHING, first: start.proofs.length > 0 } : NOTHING;
  // The person's factors are read right after the first proof, as the service does it.
  for (const random of sequence.flatMap((event): LoginEvent[] => [event, { kind: "factors_read", has }])) {
    const event: LoginEvent = random.kind === "factors_read" ? { kind: "factors_read", has } : random;
    const next = advance(end, event, rules);
    if (end.at === "done") assert.equal(next, undefined);
    if (next === undefined) continue;
    truth = truthAfter(truth, event);
    end = next;
  }
  return { end, truth };
}

function judge(truth: Truth, stated: number, { has, demand }: Life): void {
  const isProtected = has.totp !== "none" || has.keys + has.unreadableKeys > 0 || has.enrolmentCode;
  const isWaived = has.isTrusted && demand.allowTrust && !has.enrolmentCode;
  const real = [...truth.second].filter((one) => one !== "enrolment_code");
  assert.ok(truth.first || real.length > 0, "nobody proved anything");
  if (isProtected && !isWaived) assert.ok(real.length > 0 || truth.added.size > 0, "a password alone passed");
  // Only a proof by what was there before lets anything be added.
  if (isProtected && truth.added.size > 0) assert.ok(truth.second.size > 0, "a password alone added something");
  const policy = isWaived && demand.policy === 2 ? 1 : demand.policy;
  assert.ok(provenLevel(truth, demand.methods) >= Math.max(policy, demand.essential), "the level is below the demand");
  assert.ok(stated <= provenLevel(truth, ["webauthn", "totp", "recovery"]), "the stated level is a lie");
}

test("no sequence of events gets anyone through without the proof that was demanded", () => {
  fc.assert(
    fc.property(states, summaries, demands, fc.array(events, { maxLength: 24 }), (start, has, demand, sequence) => {
      const life: Life = { start, has, demand, sequence };
      const { end, truth } = live(life);
      if (end.at === "done" && end.outcome.kind === "signed_in") judge(truth, end.outcome.level, life);
    }),
    { numRuns: 20_000 },
  );
});

test("consent grants what was asked for and ticked, never more, and openid is not optional", () => {
  const demand: Demand = { policy: 1, essential: 1, wish: 1, methods: ["totp"], allowTrust: true };
  const rules = { demand, levels: DEFAULT_LEVELS, now: NOW, freshFor: FRESH };
  fc.assert(
    fc.property(events, (event) => {
      const next = advance({ at: "consent", account: ACCOUNT, ask: ASK }, event, rules);
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

test("an administrator's code never stands in the place of a password: a session without proofs is asked for it first", () => {
  const has: Summary = {
    totp: "none",
    keys: 0,
    unreadableKeys: 0,
    recovery: 0,
    enrolmentCode: true,
    can: { totp: true, webauthn: true, recovery: true },
    isTrusted: false,
    lastUsed: undefined,
  };
  const demand: Demand = { policy: 1, essential: 1, wish: 1, methods: ["totp"], allowTrust: true };
  const rules = { demand, levels: DEFAULT_LEVELS, now: NOW, freshFor: FRESH };
  const read = { kind: "factors_read", has } as const;
  const next = advance({ at: "more", account: ACCOUNT, proofs: [], remember: false }, read, rules);
  assert.deepEqual(next, { at: "identify", username: "demo", fixed: true });
  const withPassword = { at: "more", account: ACCOUNT, proofs: [proofBy("password")], remember: false } as const;
  assert.equal(advance(withPassword, read, rules)?.at, "prove");
});
