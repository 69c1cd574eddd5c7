/** CPU microseconds per operation, one number per round. */
export interface Measured {
  readonly name: string;
  readonly cpu: readonly number[];
}

/** One number that has to stay on one side of its limit. */
export interface Gate {
  readonly what: string;
  readonly value: number;
  readonly limit: number;
  /** The value has to be at least the limit, where it is not at most. */
  readonly atLeast?: boolean;
  /** What the number is made of, with its unit. */
  readonly detail: string;
}

/** Prints the gate and answers whether it was met. */
export function judge({ what, value, limit, atLeast = false, detail }: Gate): boolean {
  const isMet = atLeast ? value >= limit : value <= limit;
  const demand = `${atLeast ? "at least" : "at most"} ${limit}`;
  process.stdout.write(`${isMet ? "pass" : "MISS"}  ${what}: ${value.toFixed(2)} (${demand}); ${detail}\n`);
  return isMet;
}

/** The ratio of two medians against its limit. */
export function ratioGate(what: string, [own, control]: readonly Measured[], limit: number): Gate {
  const [ours, theirs] = [median(own?.cpu ?? []), median(control?.cpu ?? [])];
  const detail = `${ours.toFixed(0)} µs CPU, ${control?.name ?? "nothing"} ${theirs.toFixed(0)} µs`;
  return { what, value: ours / theirs, limit, detail };
}

/** Runs `total` operations with `width` of them in flight. */
export async function inFlight(operation: () => Promise<unknown>, width: number, total: number): Promise<void> {
  let left = total;
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await operation();
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
}

/** Repeats `operation` in `width` lanes until `isOver`; the milliseconds each took. */
export async function until(
  isOver: () => boolean,
  width: number,
  operation: () => Promise<unknown>,
): Promise<readonly number[]> {
  const took: number[] = [];
  const lane = async (): Promise<void> => {
    while (!isOver()) {
      const from = performance.now();
      await operation();
      took.push(performance.now() - from);
    }
  };
  await Promise.all(Array.from({ length: width }, lane));
  return took;
}

/** CPU of this process, all threads, over `work`. */
export async function cpuPerOperation(work: () => Promise<unknown>, operations: number): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / operations;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** By linear interpolation; 0 for no values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)] ?? 0, sorted[Math.ceil(at)] ?? 0];
  return below + (above - below) * (at - Math.floor(at));
}
