import { AsyncLocalStorage } from "node:async_hooks";
import { setTimeout as pause } from "node:timers/promises";
import { IdpError } from "../../src/kernel/index.ts";
import type { Store } from "../../src/store/index.ts";

/** `fail-before`: nothing was done. `fail-after`: it was done, but nobody is told. `delay`: it takes 50 ms longer. */
export type FaultMode = "fail-before" | "fail-after" | "delay";

export interface Fault {
  readonly mode: FaultMode;
  /** Which of the counted calls, from 1. */
  readonly at: number;
}

/** Counts the calls of a store while it is armed, and says which of them goes wrong. */
export interface FaultPlan {
  /** Starts to count; without a fault it only counts. */
  arm(fault?: Fault): void;
  /** Nothing goes wrong any more. Returns the calls made while armed, such as `consume oidc.AuthorizationCode`. */
  disarm(): readonly string[];
  /** Calls made by this work are counted, and no others: timers of the provider do not count. */
  within<Value>(work: () => Value): Value;
  /** Counts one call; what happens to it. */
  next(call: string): FaultMode | undefined;
}

const DELAY = 50;

/** Every fault a journey of so many store calls is run with: both failures at each call, a delay at every fifth or so. */
export function faultsOf(calls: number, delayEvery = 5): readonly Fault[] {
  return Array.from({ length: calls }, (_, index) => index + 1).flatMap((at): readonly Fault[] => [
    { mode: "fail-before", at },
    { mode: "fail-after", at },
    ...(at % delayEvery === 0 ? [{ mode: "delay" as const, at }] : []),
  ]);
}

export function createFaultPlan(): FaultPlan {
  const scope = new AsyncLocalStorage<true>();
  let calls: string[] = [];
  let isArmed = false;
  let fault: Fault | undefined;
  return {
    arm(wanted) {
      calls = [];
      fault = wanted;
      isArmed = true;
    },
    disarm() {
      isArmed = false;
      return calls;
    },
    within: (work) => scope.run(true, work),
    next(call) {
      if (!isArmed || scope.getStore() === undefined) return undefined;
      calls.push(call);
      return calls.length === fault?.at ? fault.mode : undefined;
    },
  };
}

/** A store whose calls go wrong as the plan says; whatever else it is stays as it is. */
export function faultyStore(store: Store, plan: FaultPlan): Store {
  return new Proxy(store, {
    get(target, name, receiver) {
      const member: unknown = Reflect.get(target, name, receiver);
      if (typeof member !== "function") return member;
      return async (...args: readonly unknown[]): Promise<unknown> => {
        const mode = plan.next(`${String(name)} ${String(args[0])}`);
        if (mode === "fail-before") throw unavailable();
        const result = (await Reflect.apply(member, target, args)) as unknown;
        if (mode === "fail-after") throw unavailable();
        if (mode === "delay") await pause(DELAY);
        return result;
      };
    },
  });
}

function unavailable(): IdpError {
  return new IdpError("STORE_UNAVAILABLE", { because: "the test wants it" });
}

/**
 * Calls that must fail unnoticed, because what they follow has happened: right guesses that are given back, the method used last, a lock
 * that is released, providers of a session that are forgotten once a sign-out has them on record, and the copies of events for the
 * person's own eyes.
 */
export const SECONDARY =
  /^(?:put (?:activity|factor\.last)|(?:get|delete) factor\.lock|resetCounter throttle\.\S+|increment throttle\.\S+\.returned|deleteByIndex saml\.participant)$/;

/** What was wrong, by sentence, with the runs it happened in. */
export interface Findings {
  /** Runs one part of a run; what it throws is a finding. */
  guard<Value>(run: string, part: () => Promise<Value> | Value): Promise<Value | undefined>;
  readonly found: Readonly<Record<string, readonly string[]>>;
}

export function createFindings(): Findings {
  const found: Record<string, string[]> = {};
  return {
    found,
    async guard(run, part) {
      try {
        return await part();
      } catch (error) {
        const what = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
        found[what] = [...(found[what] ?? []), run];
        return undefined;
      }
    },
  };
}
