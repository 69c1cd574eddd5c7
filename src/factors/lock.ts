import type { Clock, Random } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import type { Logger } from "../telemetry/index.ts";

const KIND = "factor.lock";
/** Milliseconds a holder that died keeps others waiting; longer than the calls made under it. */
const LIFE = 20_000;
const PAUSE = 25;

/** Runs read-modify-write sequences of one account one after another, over all instances on the store. */
export interface AccountLock {
  /** `undefined` when it was not free in time. */
  run<Value>(key: string, work: () => Promise<Value>): Promise<Value | undefined>;
}

export function createAccountLock({
  store,
  clock,
  random,
  logger,
}: {
  store: Store;
  clock: Clock;
  random: Random;
  logger: Logger;
}): AccountLock {
  const release = async (key: string, holder: string): Promise<void> => {
    // A holder that was slower than the lock's life must not free the next one's.
    if ((await store.get(KIND, key))?.value["holder"] === holder) await store.delete(KIND, key);
  };
  return {
    async run(key, work) {
      const holder = random.id();
      const giveUpAt = clock.monotonic() + LIFE;
      while (!(await store.create(KIND, key, { holder }, { expiresAt: clock.now() + LIFE }))) {
        if (clock.monotonic() > giveUpAt) return undefined;
        await clock.sleep(PAUSE);
      }
      try {
        return await work();
      } finally {
        // What was done under the lock is done; a lock that stays ends with its life.
        await release(key, holder).catch((cause: unknown) =>
          logger.warn("The lock on an account could not be released.", { cause }),
        );
      }
    },
  };
}
