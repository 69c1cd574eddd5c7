import type { Clock } from "../kernel/index.ts";
import type { Store, StoredRecord } from "../store/index.ts";
import type { AuditLog, Logger } from "../telemetry/index.ts";
import type { Limit } from "./policy.ts";

/** A time in which failures come from everywhere: unknown browsers have fewer tries. One state for all processes on a store. */
export interface Surge {
  isOn(): Promise<boolean>;
  /** Counts a failure that is nobody's typing error: the first one of an account from an address. */
  count(): Promise<void>;
  /** Ends it once it is over. For a timer. */
  turn(): Promise<void>;
  /** As it was when this process looked last. */
  readonly wasOn: () => boolean;
}

export interface SurgeDeps {
  readonly store: Store;
  readonly clock: Clock;
  /** So many failures within the window begin it. */
  readonly limit: Limit;
  readonly audit: AuditLog;
  readonly logger: Logger;
}

/** Where the store has it. */
export const SURGE = { kind: "throttle.surge", id: "password" } as const;
/** Milliseconds since the epoch at which a surge is over. */
export function surgeUntil(record: StoredRecord | undefined): number {
  return Number(record?.value["until"] ?? 0);
}

export function createSurge({ store, clock, limit, audit, logger }: SurgeDeps): Surge {
  const { kind, id } = SURGE;
  let wasOn = false;
  const isOver = (record: StoredRecord | undefined): boolean => surgeUntil(record) <= clock.now();
  const look = async (): Promise<StoredRecord | undefined> => {
    const record = await store.get(kind, id);
    wasOn = !isOver(record);
    return record;
  };
  const turn = async (): Promise<void> => {
    const record = await look();
    if (record === undefined || wasOn) return;
    const taken = await store.take(kind, id);
    if (taken === undefined) return;
    // It began again meanwhile.
    if (!isOver(taken)) {
      await store.put(kind, id, taken.value);
      return;
    }
    audit.record({ event: "surge_ended" });
    logger.warn("Failed sign-ins are as usual again: unknown browsers have all their tries.");
  };
  return {
    wasOn: () => wasOn,
    turn,
    async isOn() {
      await look();
      return wasOn;
    },
    async count() {
      const window = await store.increment(kind, id, limit.window);
      // Counters are atomic: one process alone sees this number.
      if (window.count !== limit.limit) return;
      await turn();
      const goesOn = wasOn;
      await store.put(kind, id, { until: window.expiresAt + limit.window });
      wasOn = true;
      if (goesOn) return;
      audit.record({ event: "surge_began", reason: `${limit.limit} first failures within ${limit.window / 1000} s` });
      logger.warn("Failed sign-ins are spread over many accounts or addresses: unknown browsers have fewer tries.");
    },
  };
}
