import type { Clock, Random } from "../../kernel/index.ts";
import type { Store } from "../../store/index.ts";
import { type Leaving, type LogoutProcess, withState } from "./process.ts";

const PROCESS = "saml.logout";
const REQUEST = "saml.logout-request";
/** Milliseconds a sign-out may take. */
const LIFETIME = 15 * 60_000;

/** Sign-outs under way, and the LogoutRequests that wait for an answer. */
export interface LogoutProcesses {
  begin(process: LogoutProcess): Promise<string>;
  /** Writes a process that nobody was led to yet anew. */
  replace(id: string, process: LogoutProcess): Promise<void>;
  find(id: string): Promise<LogoutProcess | undefined>;
  /** Compare-and-swap until it holds. */
  mark(id: string, index: number, state: Leaving["state"]): Promise<void>;
  /** Remembers a request before it leaves. */
  asked(requestId: string, about: Asked): Promise<void>;
  /** The request an answer is for; `undefined` for an answer nobody waits for. */
  waiting(requestId: string): Promise<Asked | undefined>;
  /** Its answer has come and was noted. */
  forget(requestId: string): Promise<void>;
}

export interface Asked {
  readonly process: string;
  readonly index: number;
  readonly entityId: string;
}

export function createLogoutProcesses({
  store,
  clock,
  random,
}: {
  store: Store;
  clock: Clock;
  random: Random;
}): LogoutProcesses {
  const expiresAt = (): number => clock.now() + LIFETIME;
  return {
    async begin(process) {
      const id = random.id();
      await store.put(PROCESS, id, { ...process }, { expiresAt: expiresAt() });
      return id;
    },
    replace: (id, process) => store.put(PROCESS, id, { ...process }, { expiresAt: expiresAt() }),
    find: async (id) => (await store.get(PROCESS, id))?.value as unknown as LogoutProcess | undefined,
    async mark(id, index, state) {
      for (;;) {
        const record = await store.get(PROCESS, id);
        if (record === undefined) return;
        const next = withState(record.value as unknown as LogoutProcess, index, state);
        if (await store.replace(PROCESS, id, record.version, { ...next })) return;
      }
    },
    asked: (requestId, about) => store.put(REQUEST, requestId, { ...about }, { expiresAt: expiresAt() }),
    waiting: async (requestId) => (await store.get(REQUEST, requestId))?.value as unknown as Asked | undefined,
    forget: async (requestId) => void (await store.delete(REQUEST, requestId)),
  };
}
