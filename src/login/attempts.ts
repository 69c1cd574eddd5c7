import type { Refusal } from "../factors/index.ts";
import type { Clock } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import type { LoginState } from "./flow.ts";
import type { SignInRequest } from "./gate.ts";

const KIND = "attempt";
/** Milliseconds an attempt outlives its first answer at most; the protocol's own expiry is the one people meet. */
const KEEP = 24 * 3_600_000;

/** What was just refused, for the next view of the form. Never holds what was typed as a secret. */
export type Failure =
  | {
      readonly kind: "password";
      readonly username: string;
      readonly remember: boolean;
      readonly message: string | undefined;
    }
  /** `misses`: how many in a row at this step. */
  | { readonly kind: "factor"; readonly why: Refusal; readonly misses: number };

/** One stored attempt: where it stands and how many forms it has used up. */
export interface Attempt {
  readonly id: string;
  readonly state: LoginState;
  /** Grows with every form that was answered; a form is good for one answer. */
  readonly step: number;
  readonly failure: Failure | undefined;
  /** The record it was read from; `undefined` before the first answer. */
  readonly version: number | undefined;
}

/** Attempts over the store. All writes are compare-and-swap, so that two tabs or instances cannot both move one attempt. */
export interface Attempts {
  /** The attempt for a request as it stands; `undefined` before its first answer: it begins where the request says. */
  find(request: SignInRequest): Promise<Attempt | undefined>;
  /** Moves the attempt on and returns it; `undefined` when another answer was faster. */
  move(attempt: Attempt, state: LoginState, failure?: Failure): Promise<Attempt | undefined>;
}

export function createAttempts({ store, clock }: { store: Store; clock: Clock }): Attempts {
  return {
    async find({ id }) {
      const record = await store.get(KIND, id);
      if (record === undefined) return undefined;
      const value = record.value as unknown as Pick<Attempt, "state" | "step" | "failure">;
      return { id, state: value.state, step: value.step, failure: value.failure, version: record.version };
    },
    async move({ id, step, version }, state, failure) {
      const value = { state, step: step + 1, failure };
      // Nothing is stored before the first answer: where an attempt begins follows from the request alone.
      const isFirst = version === undefined;
      const isMoved = isFirst
        ? await store.create(KIND, id, value, { expiresAt: clock.now() + KEEP })
        : await store.replace(KIND, id, version, value);
      return isMoved ? { id, ...value, version: isFirst ? 1 : version + 1 } : undefined;
    },
  };
}
