import type { Method } from "../factors/index.ts";
import type { Level } from "./levels.ts";
import { type Levels, levelOfProofs, type Proofs } from "./proofs.ts";

/** What an application and the operator ask of a sign-in, whatever protocol they said it in. */
export interface Demand {
  /** The operator's: a trusted device may stand for it up to level 2. */
  readonly policy: Level;
  /** The application's own word; nothing stands for it. */
  readonly essential: Level;
  /** What the application would like; asked of people who have a factor for it. */
  readonly wish: Level;
  /** The second factors that count for this application. */
  readonly methods: readonly Method[];
  /** Whether a trusted device may stand for the person's own second factor. */
  readonly allowTrust: boolean;
}

/** A person's factors as a sign-in needs to know them; safe to keep in an attempt. */
export interface Summary {
  readonly totp: "none" | "ready" | "unreadable";
  readonly keys: number;
  readonly unreadableKeys: number;
  readonly recovery: number;
  /** An administrator's code waits: it is the only way to set something up. */
  readonly enrolmentCode: boolean;
  /** What the backend can store. */
  readonly can: { readonly totp: boolean; readonly webauthn: boolean; readonly recovery: boolean };
  /** This browser may skip the second factor of the operator's policy. */
  readonly isTrusted: boolean;
  readonly lastUsed: Method | undefined;
}

export type Plan =
  | { readonly next: "done" }
  /** Nothing was proven yet, and nothing else can be. */
  | { readonly next: "password" }
  /** One of these now, the best first. */
  | { readonly next: "prove"; readonly methods: readonly (Method | "enrolment_code")[] }
  | { readonly next: "enrol"; readonly kinds: readonly ("webauthn" | "totp")[] }
  /** Nothing this person can do here would be enough. */
  | { readonly next: "impossible"; readonly why: "unreadable" | "unsupported" };

export interface PlanInput {
  readonly proofs: Proofs;
  readonly has: Summary;
  readonly demand: Demand;
  readonly levels: Levels;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Seconds a proof is fresh enough to add or change factors by it. */
  readonly freshFor: number;
}

/** Whether a session that was signed in before is enough. */
export function isMet(
  { policy, essential, methods, allowTrust }: Demand,
  session: { readonly proofs: Proofs; readonly isTrusted: boolean },
  levels: Levels,
): boolean {
  const waived = session.isTrusted && allowTrust && policy === 2 ? 1 : policy;
  return levelOfProofs(session.proofs, levels, methods) >= Math.max(waived, essential);
}

/** What is still to do. Pure; the only place that decides whether a proof is enough. */
export function planNext(given: PlanInput): Plan {
  const { proofs, has, demand, levels } = given;
  // An administrator's code stands beside a password, never in its place: a session alone does not lead to it.
  if (has.enrolmentCode && proofs.length === 0) return { next: "password" };
  const isTrusted = has.isTrusted && demand.allowTrust && !has.enrolmentCode;
  const owned = ownedMethods(has).filter((method) => !proofs.some((proof) => proof.method === method));
  const raising = (to: Level): readonly Method[] =>
    owned.filter((method) => demand.methods.includes(method) && levels[method] >= to);
  const aim = aimOf(demand, isTrusted, raising(demand.wish).length > 0);
  const isReached = levelOfProofs(proofs, levels, demand.methods) >= aim;
  const isOwnProven = isOwnFactorProven(proofs, has);

  if (isReached && (isOwnProven || isTrusted) && !owesEnrolment(proofs))
    return { next: proofs.length === 0 ? "password" : "done" };
  const useful = isReached ? [] : raising(aim);
  if (useful.length > 0) return { next: "prove", methods: withCode(useful, has) };
  // Nothing of theirs reaches the aim. First comes a proof by what they have: a password alone neither passes nor adds anything.
  if (isOwnProven) return enrolByFreshProof(aim, given);
  const methods = withCode(owned, has);
  return methods.length > 0 ? { next: "prove", methods } : { next: "impossible", why: "unreadable" };
}

function aimOf({ policy, essential, wish }: Demand, isTrusted: boolean, canWish: boolean): Level {
  const waived = isTrusted && policy === 2 ? 1 : policy;
  return Math.max(waived, essential, canWish ? wish : 1) as Level;
}

/** What stands behind the password was shown, or there is nothing. */
function isOwnFactorProven(proofs: Proofs, has: Summary): boolean {
  return !hasAny(has) || proofs.some(({ method }) => method !== "password");
}

/** An administrator's code lets its owner in to set something up, and to nothing else. */
function owesEnrolment(proofs: Proofs): boolean {
  const used = proofs.filter(({ method }) => method !== "password");
  return used.length > 0 && used.every(({ method }) => method === "enrolment_code");
}

function withCode(methods: readonly Method[], has: Summary): readonly (Method | "enrolment_code")[] {
  return has.enrolmentCode ? [...methods, "enrolment_code"] : methods;
}

/** Something stands behind the password of this account. */
function hasAny({ totp, keys, unreadableKeys, enrolmentCode }: Summary): boolean {
  return totp !== "none" || keys > 0 || unreadableKeys > 0 || enrolmentCode;
}

/** What the person can prove with; recovery codes last, and never by themselves the reason to ask. */
function ownedMethods(has: Summary): readonly Method[] {
  return [
    ...(has.keys > 0 ? (["webauthn"] as const) : []),
    ...(has.totp === "ready" ? (["totp"] as const) : []),
    ...(has.recovery > 0 ? (["recovery"] as const) : []),
  ];
}

/** A stolen session must not plant a factor of its own: what adds one is a proof given just now, by what the person has. */
function enrolByFreshProof(aim: Level, given: PlanInput): Plan {
  const { proofs, has, now, freshFor } = given;
  const isProtected = hasAny(has);
  const isFresh = proofs.some(({ method, at }) => (method !== "password" || !isProtected) && now - at <= freshFor);
  if (isFresh) return enrolFor(aim, given);
  return isProtected ? { next: "prove", methods: withCode(ownedMethods(has), has) } : { next: "password" };
}

function enrolFor(aim: Level, { has, demand, levels }: PlanInput): Plan {
  // A key can stand beside others; an authenticator app would take the place of the one before.
  const kinds = (["webauthn", "totp"] as const).filter(
    (kind) =>
      has.can[kind] &&
      (kind === "webauthn" || has.totp === "none") &&
      levels[kind] >= aim &&
      (aim === 1 || demand.methods.includes(kind)),
  );
  return kinds.length > 0 ? { next: "enrol", kinds } : { next: "impossible", why: "unsupported" };
}
