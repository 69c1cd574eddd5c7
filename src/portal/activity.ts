import { createHash } from "node:crypto";
import type { Clock, Random } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import type { AuditEvent, AuditLog, Logger } from "../telemetry/index.ts";

/** One thing that happened in an account. Never a secret, a code, or a name somebody typed. */
export interface ActivityEvent {
  readonly event: AuditEvent["event"];
  /** Milliseconds since the epoch. */
  readonly at: number;
  readonly address: string;
  readonly client_id: string;
  readonly saml_entity_id: string;
  /** Tells events of one moment apart. */
  readonly order: number;
}

/** What people see of the audit trail: their own events of the last 90 days. */
export interface Activity {
  /** The latest first; only what is older than `before`. */
  list(account: string, before?: number): Promise<readonly ActivityEvent[]>;
  /** Changes of the account that its owner has not seen yet. */
  notices(account: string): Promise<readonly ActivityEvent[]>;
  /** Everything until now was seen. */
  seen(account: string): Promise<void>;
}

const EVENT = "activity";
const SEEN = "activity.seen";
/** Milliseconds. */
const KEEP = 90 * 86_400_000;

/** What its owner should hear of, whoever did it. */
const CHANGES: ReadonlySet<AuditEvent["event"]> = new Set<AuditEvent["event"]>([
  "factor_added",
  "factor_removed",
  "factors_reset",
  "recovery_code_used",
  "recovery_codes_created",
  "recovery_codes_removed",
  "enrolment_code_created",
  "key_clone_suspected",
  "factor_throttled",
]);

export function createActivity({ store, clock }: { store: Store; clock: Clock }): Activity {
  const all = async (account: string): Promise<readonly ActivityEvent[]> => {
    const records = await store.findByIndex(EVENT, "account", keyOf(account));
    const events = records.map(({ record }) => record.value as unknown as ActivityEvent);
    return events.toSorted((a, b) => b.at - a.at || b.order - a.order);
  };
  return {
    list: async (account, before = Number.MAX_SAFE_INTEGER) => (await all(account)).filter(({ at }) => at < before),
    async notices(account) {
      const seen = Number((await store.get(SEEN, keyOf(account)))?.value["at"] ?? 0);
      return (await all(account)).filter(({ event, at }) => CHANGES.has(event) && at > seen);
    },
    seen: (account) => store.put(SEEN, keyOf(account), { at: clock.now() }, { expiresAt: clock.now() + KEEP }),
  };
}

/** An audit log whose events about an account are kept for its owner, too. */
export function withActivity(
  audit: AuditLog,
  { store, clock, random, logger }: { store: Store; clock: Clock; random: Random; logger: Logger },
): AuditLog {
  let order = 0;
  return {
    record(event) {
      audit.record(event);
      order += 1;
      const account = event.account ?? event.username ?? event.typed;
      if (account === undefined) return;
      const at = clock.now();
      const { address = "", client_id = "", saml_entity_id = "" } = event;
      const value: ActivityEvent = { event: event.event, at, address, client_id, saml_entity_id, order };
      // Not waited for: the audit trail is written, this is a copy for people.
      store
        .put(EVENT, random.id(), { ...value }, { expiresAt: at + KEEP, index: { account: keyOf(account) } })
        .catch((cause: unknown) => logger.warn("An event could not be kept for its owner.", { cause }));
    },
  };
}

/** All spellings of a name are one; hashed, because what failed was typed by somebody. */
function keyOf(account: string): string {
  return createHash("sha256").update(account.normalize("NFKC").trim().toLowerCase()).digest("base64url");
}
