import type { EndedApplication } from "../../login/index.ts";
import type { NameId } from "../outbound/name-id.ts";
import type { Participant } from "../sso/participants.ts";

/** One application on the way out. */
export interface Leaving {
  readonly name: string;
  readonly state: "waiting" | "asked" | "done" | "failed" | "impossible";
  /** Present for service providers that can be asked. */
  readonly saml:
    | { readonly entityId: string; readonly nameId: NameId; readonly sessionIndexes: readonly string[] }
    | undefined;
}

/** Where the browser goes when everybody was asked. */
export type Afterwards =
  | { readonly kind: "address"; readonly href: string; readonly app: string | undefined }
  | {
      readonly kind: "response";
      readonly entityId: string;
      readonly inResponseTo: string;
      readonly relayState: string | undefined;
    }
  | { readonly kind: "nothing" };

/** A sign-out that is being told to the applications, one after the other in the person's own window. */
export interface LogoutProcess {
  readonly apps: readonly Leaving[];
  readonly afterwards: Afterwards;
}

/** What has to be told to whom. One request for each provider, with all sessions it knows of this person. */
export function planLogout(
  participants: readonly Participant[],
  clients: readonly EndedApplication[],
  about: (entityId: string) => { readonly name: string; readonly canBeAsked: boolean },
): readonly Leaving[] {
  const byPerson = Map.groupBy(participants, ({ entityId, nameId }) => JSON.stringify([entityId, nameId.value]));
  const providers = [...byPerson.values()].flatMap((same): Leaving[] => {
    const [first] = same;
    if (first === undefined) return [];
    const { name, canBeAsked } = about(first.entityId);
    if (!canBeAsked) return [{ name, state: "impossible", saml: undefined }];
    return [
      {
        name,
        state: "waiting",
        saml: {
          entityId: first.entityId,
          nameId: first.nameId,
          sessionIndexes: same.map(({ sessionIndex }) => sessionIndex),
        },
      },
    ];
  });
  const told = clients.map(
    ({ name, outcome }): Leaving => ({ name, state: outcome === "told" ? "done" : outcome, saml: undefined }),
  );
  return [...told, ...providers];
}

/** The application whose turn it is. */
export function nextToAsk({ apps }: LogoutProcess): number {
  return apps.findIndex(({ state }) => state === "waiting" || state === "asked");
}

/** The process with one application in another state. A state that is final stays. */
export function withState(process: LogoutProcess, index: number, state: Leaving["state"]): LogoutProcess {
  return {
    ...process,
    apps: process.apps.map((app, at) =>
      at === index && (app.state === "waiting" || app.state === "asked") ? { ...app, state } : app,
    ),
  };
}

export function isComplete({ apps }: LogoutProcess): boolean {
  return apps.every(({ state }) => state === "done");
}
