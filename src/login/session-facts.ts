import type { Clock } from "../kernel/index.ts";
import type { JsonObject, Store } from "../store/index.ts";
import type { Proofs } from "./proofs.ts";

/** What we know of a browser session beside oidc-provider's record of it. */
export interface SessionFacts {
  readonly subject: string;
  readonly proofs: Proofs;
  /** The second factor was skipped because the device is trusted. */
  readonly isTrusted: boolean;
  readonly remember: boolean;
  readonly address: string;
  readonly userAgent: string;
  /** Milliseconds since the epoch. */
  readonly since: number;
  readonly seen: number;
}

/** Facts by session uid: which factors were proven and when, and from where. */
export interface SessionFactsStore {
  get(uid: string): Promise<SessionFacts | undefined>;
  put(uid: string, facts: SessionFacts, expiresAt: number): Promise<void>;
  /** Notes that the session was used, at most every few minutes. */
  touch(uid: string, facts: SessionFacts): void;
  remove(uid: string): Promise<void>;
}

const KIND = "session";
const TOUCH_EVERY = 5 * 60_000;

export function createSessionFacts({ store, clock }: { store: Store; clock: Clock }): SessionFactsStore {
  return {
    async get(uid) {
      return asFacts((await store.get(KIND, uid))?.value);
    },
    put: (uid, facts, expiresAt) =>
      store.put(KIND, uid, { ...facts }, { expiresAt, index: { account: facts.subject } }),
    touch(uid, facts) {
      if (clock.now() - facts.seen < TOUCH_EVERY) return;
      // Not waited for, and the loser of a race may lose: it is a hint for people.
      store
        .get(KIND, uid)
        .then((record) =>
          record === undefined
            ? false
            : store.replace(KIND, uid, record.version, { ...record.value, seen: clock.now() }),
        )
        .catch(() => undefined);
    },
    remove: async (uid) => void (await store.delete(KIND, uid)),
  };
}

function asFacts(value: JsonObject | undefined): SessionFacts | undefined {
  return value as unknown as SessionFacts | undefined;
}
