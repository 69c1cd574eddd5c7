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
}

/** Attempts over the store. All writes are compare-and-swap, so that two tabs or instances cannot both move one attempt. */
export interface Attempts {
  /** The attempt for a request as it stands; `undefined` before its first answer: it begins where the request says. */
  find(request: SignInRequest): Promise<Attempt | undefined>;
  /** Moves the attempt on and returns it; `undefined` when another answer was faster. */
  move(attempt: Attempt, state: LoginState, failure?: Failure): Promise<Attempt | undefined>;
}

export function createAttempts({ store, clock }: { store: Store; clock: Clock }): Attempts {
  const read = async (id: string) => {
    const record = await store.get(KIND, id);
    if (record === undefined) return undefined;
    const value = record.value as unknown as Pick<Attempt, "state" | "step" | "failure">;
    const attempt: Attempt = { id, state: value.state, step: value.step, failure: value.failure };
    return { attempt, version: record.version };
  };

  const write = async (next: Attempt): Promise<boolean> => {
    const { id, ...value } = next;
    const stored = await read(id);
    if (stored !== undefined) {
      return stored.attempt.step === next.step - 1 && store.replace(KIND, id, stored.version, value);
    }
    // Nothing is stored before the first answer: where an attempt begins follows from the request alone.
    const expiresAt = clock.now() + KEEP;
    return next.step === 1 && store.create(KIND, id, value, { expiresAt });
  };

  return {
    find: async (request) => (await read(request.id))?.attempt,
    async move(attempt, state, failure) {
      const next: Attempt = { id: attempt.id, state, step: attempt.step + 1, failure };
      return (await write(next)) ? next : undefined;
    },
  };
}
