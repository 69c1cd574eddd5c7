/** CPU microseconds per operation, one number per round. */
export interface Measured {
  readonly name: string;
  readonly cpu: readonly number[];
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

/** CPU of this process, all threads, over `work`. */
export async function cpuPerOperation(work: () => Promise<unknown>, operations: number): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / operations;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}
