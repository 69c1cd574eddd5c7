/** Milliseconds after which a call that runs is suspended for the others. */
const SLICE = 2;

/** What of a call the stopwatch counts. */
export interface Timed {
  /** CPU milliseconds so far. */
  ran: number;
}

/**
 * How long a call has run, in CPU time of its thread: on a starved machine elapsed time would end honest calls. Asking for CPU time is slow
 * (a system call), so that is done once when a slice turns out to be more than a few instructions, and once when it is over.
 */
export interface Stopwatch {
  /** A call begins to run, or goes on. */
  start(): void;
  /** Answers whether the slice of the call is over; then `ran` is exact. */
  isOver(call: Timed): boolean;
  stop(call: Timed): void;
}

/** @param elapsed a monotonic clock; @param cpu the CPU time of this thread; both in milliseconds. */
export function createStopwatch(elapsed: () => number, cpu: () => number): Stopwatch {
  let begun = 0;
  let over = 0;
  let counted: number | undefined;
  const count = (call: Timed): void => {
    const now = cpu();
    call.ran += now - (counted ?? now);
    counted = now;
  };
  return {
    start() {
      begun = elapsed();
      over = begun + SLICE;
      counted = undefined;
    },
    isOver(call) {
      const now = elapsed();
      if (counted === undefined) {
        call.ran += Math.min(now - begun, SLICE);
        count(call);
      }
      if (now <= over) return false;
      count(call);
      over = now + SLICE;
      return true;
    },
    stop(call) {
      if (counted !== undefined) count(call);
    },
  };
}

/** CPU milliseconds of the thread that asks. */
export function threadTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
