import type { Clock, Random } from "../../kernel/index.ts";
import type { Store } from "../../store/index.ts";
import type { NameId } from "../outbound/name-id.ts";

/** One service provider that was told about a browser session. */
export interface Participant {
  readonly id: string;
  readonly sessionUid: string;
  readonly subject: string;
  readonly entityId: string;
  readonly nameId: NameId;
  readonly sessionIndex: string;
}

/** Which providers have to hear of it when a session ends (saml-core 3.7). */
export interface Participants {
  /** Records a provider before it hears of the session. */
  add(participant: Omit<Participant, "id">, expiresAt: number): Promise<void>;
  ofSession(sessionUid: string): Promise<readonly Participant[]>;
  /** The participants a LogoutRequest means: this provider's sessions of this NameID, all of them or those with these indexes. */
  named(entityId: string, nameId: string, sessionIndexes: readonly string[]): Promise<readonly Participant[]>;
  /** The providers a person was signed in to, with the first time of each in milliseconds since the epoch. */
  ofPerson(subject: string): Promise<readonly { readonly entityId: string; readonly since: number | undefined }[]>;
  removeSession(sessionUid: string): Promise<void>;
}

const KIND = "saml.participant";

export function createParticipants({
  store,
  clock,
  random,
}: {
  store: Store;
  clock: Clock;
  random: Random;
}): Participants {
  const find = async (index: string, value: string): Promise<readonly Participant[]> =>
    (await store.findByIndex(KIND, index, value)).map(({ id, record }) => ({
      ...(record.value as unknown as Omit<Participant, "id">),
      id,
    }));
  return {
    async add(participant, expiresAt) {
      const person = JSON.stringify([participant.entityId, participant.nameId.value]);
      await store.put(
        KIND,
        random.id(),
        { ...participant, since: clock.now() },
        { expiresAt, index: { session: participant.sessionUid, person, account: participant.subject } },
      );
    },
    ofSession: (sessionUid) => find("session", sessionUid),
    async named(entityId, nameId, sessionIndexes) {
      const all = await find("person", JSON.stringify([entityId, nameId]));
      return sessionIndexes.length === 0
        ? all
        : all.filter(({ sessionIndex }) => sessionIndexes.includes(sessionIndex));
    },
    async ofPerson(subject) {
      const records = await store.findByIndex(KIND, "account", subject);
      const since = new Map<string, number | undefined>();
      for (const { record } of records) {
        const { entityId, since: at } = record.value as { entityId?: string; since?: number };
        const first = since.get(entityId ?? "");
        since.set(entityId ?? "", first === undefined ? at : Math.min(first, at ?? first));
      }
      return [...since].map(([entityId, at]) => ({ entityId, since: at }));
    },
    removeSession: async (sessionUid) => void (await store.deleteByIndex(KIND, "session", sessionUid)),
  };
}
