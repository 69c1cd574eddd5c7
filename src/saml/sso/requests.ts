import { createHash } from "node:crypto";
import type { Clock, Random } from "../../kernel/index.ts";
import type { JsonObject, Store } from "../../store/index.ts";
import type { RequestedAuthnContext } from "../inbound/messages.ts";

/** A believed request that waits for its answer: everything the answer needs, so that a slow sign-in succeeds. */
export interface PendingRequest {
  readonly entityId: string;
  /** `undefined` when we began (IdP-initiated). */
  readonly requestId: string | undefined;
  readonly acsUrl: string;
  readonly relayState: string | undefined;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
  readonly forceAuthn: boolean;
  readonly isPassive: boolean;
  readonly nameIdPolicy:
    | { readonly format: string | undefined; readonly spNameQualifier: string | undefined }
    | undefined;
  readonly context: RequestedAuthnContext | undefined;
  readonly subject: string | undefined;
  /** The subject who signed in for this very request: what ForceAuthn wants, to the second and beyond. */
  readonly proven: string | undefined;
  /** Set when the person ended it: the status that goes back. */
  readonly ended: "cancelled" | "refused" | "unmet" | undefined;
}

/** What became of a request id (saml-bindings 3.5.5.2: a message is used once). */
export type Recorded =
  /** New, or the very message whose sign-in is still open: go on there. The browser's cookie decides whether it may. */
  { readonly kind: "open"; readonly id: string; readonly isNew: boolean } | { readonly kind: "replayed" };

export interface PendingRequests {
  /** @param digestOf the message itself: the same id with another content is no second copy. */
  record(request: PendingRequest, digestOf: string): Promise<Recorded>;
  find(id: string): Promise<PendingRequest | undefined>;
  /** The next round of a request: what belonged to the last one is over. `undefined` when it was moved on already, to `moved`. */
  moveOn(id: string, progress: Pick<PendingRequest, "ended" | "proven">): Promise<string | undefined>;
  /** Ends the request because its answer goes out now; `false` when it was answered already. */
  answer(id: string): Promise<boolean>;
}

const REQUEST = "saml.request";
const SEEN = "saml.request-id";
const MOVED = "saml.moved";
/** Milliseconds a used id is remembered beyond the time it could be believed, should the clock go forward and back meanwhile. */
const REMEMBER = 2 * 3_600_000;
const KEEP_MOVED = 60_000;

export interface PendingRequestsDeps {
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
  /** Milliseconds a sign-in may take. */
  readonly lifetime: number;
}

export function createPendingRequests({ store, clock, random, lifetime }: PendingRequestsDeps): PendingRequests {
  const seenId = ({ entityId, requestId }: PendingRequest): string =>
    createHash("sha256").update(`${entityId}\0${requestId}`).digest("base64url");
  const expiry = (request: PendingRequest): number => request.receivedAt + lifetime;
  const find = async (id: string): Promise<PendingRequest | undefined> =>
    asRequest((await store.get(REQUEST, id))?.value);

  return {
    find,
    async record(request, digestOf) {
      const id = random.id();
      if (request.requestId !== undefined) {
        const digest = createHash("sha256").update(digestOf).digest("base64url");
        const isNew = await store.create(
          SEEN,
          seenId(request),
          { id, digest },
          { expiresAt: expiry(request) + REMEMBER },
        );
        if (!isNew) {
          const seen = (await store.get(SEEN, seenId(request)))?.value ?? {};
          const open = seen["id"];
          return typeof open === "string" && seen["digest"] === digest
            ? { kind: "open", id: open, isNew: false }
            : { kind: "replayed" };
        }
      }
      await store.put(REQUEST, id, { ...request }, { expiresAt: expiry(request) });
      return { kind: "open", id, isNew: true };
    },
    async moveOn(id, progress) {
      const taken = asRequest((await store.take(REQUEST, id))?.value);
      if (taken === undefined) {
        const to = (await store.get(MOVED, id))?.value["to"];
        return typeof to === "string" ? to : undefined;
      }
      const next = random.id();
      await store.put(REQUEST, next, { ...taken, ...progress }, { expiresAt: expiry(taken) });
      await store.put(MOVED, id, { to: next }, { expiresAt: clock.now() + KEEP_MOVED });
      if (taken.requestId !== undefined) await reopen(taken, next);
      return next;
    },
    async answer(id) {
      const taken = asRequest((await store.take(REQUEST, id))?.value);
      if (taken === undefined) return false;
      if (taken.requestId !== undefined)
        await store.put(SEEN, seenId(taken), { answered: true }, { expiresAt: expiry(taken) + REMEMBER });
      return true;
    },
  };

  async function reopen(request: PendingRequest, next: string): Promise<void> {
    const seen = await store.get(SEEN, seenId(request));
    if (seen !== undefined) await store.replace(SEEN, seenId(request), seen.version, { ...seen.value, id: next });
  }
}

function asRequest(value: JsonObject | undefined): PendingRequest | undefined {
  return value as unknown as PendingRequest | undefined;
}
