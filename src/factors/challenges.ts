import type { Clock, Random } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";

const KIND = "factor.challenge";
/** Milliseconds (WebAuthn section 15.1 recommends five minutes). */
export const CHALLENGE_LIFE = 5 * 60_000;

/** Challenges of WebAuthn ceremonies: random, kept here, good for one answer of one purpose (WebAuthn section 13.4.3). */
export interface Challenges {
  /** @param binding purpose, attempt and person it is for. */
  issue(binding: string): Promise<Uint8Array<ArrayBuffer>>;
  /** Whether the challenge (base64url, as it came back) was issued for this binding. It is spent either way. */
  take(challenge: string, binding: string): Promise<boolean>;
}

export function createChallenges({ store, clock, random }: { store: Store; clock: Clock; random: Random }): Challenges {
  return {
    async issue(binding) {
      const challenge = new Uint8Array(random.bytes(32));
      const id = Buffer.from(challenge).toString("base64url");
      await store.put(KIND, id, { binding }, { expiresAt: clock.now() + CHALLENGE_LIFE });
      return challenge;
    },
    async take(challenge, binding) {
      if (!/^[A-Za-z0-9_-]{43}$/.test(challenge)) return false;
      return (await store.take(KIND, challenge))?.value["binding"] === binding;
    },
  };
}
