/** Time as the system sees it. Passed in, so that tests decide what time it is. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds from an arbitrary start, never going back. For durations. */
  monotonic(): number;
  /** Resolves after `milliseconds`; at once when the signal is or becomes aborted. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
}

/** Unpredictable values. */
export interface Random {
  /** `count` random bytes. */
  bytes(count: number): Uint8Array;
  /** A random identifier of 160 bits in base64url (27 characters). */
  id(): string;
}

/** What every part of the system may take from outside besides its dependencies. */
export interface World {
  readonly clock: Clock;
  readonly random: Random;
}
