import { createHash } from "node:crypto";
import { type Request, Router } from "express";
import { exactRouter, formBody, localPath, methodNotAllowed, type Reply, route } from "../../http/index.ts";
import { type Clock, IdpError, type Random } from "../../kernel/index.ts";
import type { BrowserSessions, EndedApplication, RequestFacts } from "../../login/index.ts";
import type { Store } from "../../store/index.ts";
import type { AuditLog, Logger } from "../../telemetry/index.ts";
import type { Believed, InboundGate } from "../inbound/gate.ts";
import type { LogoutRequest, LogoutResponse } from "../inbound/messages.ts";
import { SKEW } from "../inbound/rules.ts";
import { type Carriage, logoutRequest, logoutResponse, pack } from "../outbound/logout-messages.ts";
import type { Signer } from "../outbound/signer.ts";
import type { ServiceProvider, ServiceProviders } from "../sp/model.ts";
import type { Participant, Participants } from "../sso/participants.ts";
import { believedOr, POST_LIMIT, postPolicy, rawQueryOf } from "../sso/router.ts";
import { STATUS } from "../xml/names.ts";
import { type Afterwards, isComplete, type Leaving, type LogoutProcess, nextToAsk, planLogout } from "./process.ts";
import type { LogoutProcesses } from "./processes.ts";

export interface LogoutDeps {
  readonly entityId: string;
  readonly inbound: InboundGate;
  readonly providers: ServiceProviders;
  readonly participants: Participants;
  readonly processes: LogoutProcesses;
  readonly sessions: BrowserSessions;
  readonly signer: Signer;
  readonly facts: RequestFacts;
  readonly audit: AuditLog;
  readonly logger: Logger;
  readonly store: Store;
  readonly clock: Clock;
  readonly random: Random;
}

/** Single logout (saml-profiles 4.4): requests and answers of providers, and the page that takes a sign-out from one to the next. */
export function logoutRouter(deps: LogoutDeps): Router {
  const router = exactRouter();
  const slo = "/saml/slo";
  router.get(
    slo,
    route((req) => receive(deps, req)),
  );
  router.post(
    slo,
    formBody(POST_LIMIT),
    route((req) => receive(deps, req)),
  );
  router.all(slo, methodNotAllowed(["GET", "POST"]));
  router.get(
    "/logout/:id",
    route((req) => show(deps, req)),
  );
  router.all("/logout/:id", methodNotAllowed(["GET"]));
  return router;
}

/**
 * Begins, while a session still stands, to tell its providers of its end (OpenID Connect's logout). The sign-out is on record before
 * anything ends, so that a store that fails later takes nobody off the list.
 * @returns what gives our page that tells them, or `undefined` when there is nobody to tell and nothing to report.
 */
export async function prepareLogout(
  deps: LogoutDeps,
  uid: string,
): Promise<(clients: readonly EndedApplication[], afterwards: Afterwards) => Promise<string | undefined>> {
  const { participants, processes } = deps;
  const known = await participants.ofSession(uid);
  const plan = (clients: readonly EndedApplication[]) =>
    planLogout(known, clients, (entityId) => about(deps, entityId));
  const begun =
    known.length === 0 ? undefined : await processes.begin({ apps: plan([]), afterwards: { kind: "nothing" } });
  return async (clients, afterwards) => {
    const process = { apps: plan(clients), afterwards };
    if (begun === undefined)
      return clients.some(({ outcome }) => outcome === "failed")
        ? `/logout/${await processes.begin(process)}`
        : undefined;
    await processes.replace(begun, process).catch(complain(deps, "A sign-out could not be told where it leads."));
    await forgetParticipants(deps, uid);
    return `/logout/${begun}`;
  };
}

/** They are on record in the sign-out by now. What stays of them names a session that is over, and ends with its time. */
function forgetParticipants(deps: LogoutDeps, uid: string): Promise<void> {
  return deps.participants.removeSession(uid).catch(complain(deps, "Providers of a session could not be forgotten."));
}

function complain({ logger }: LogoutDeps, complaint: string): (cause: unknown) => void {
  return (cause) => logger.warn(complaint, { cause });
}

function about({ providers }: LogoutDeps, entityId: string): { name: string; canBeAsked: boolean } {
  const sp = providers.find(entityId);
  return { name: sp?.name ?? entityId, canBeAsked: (sp?.slo.length ?? 0) > 0 };
}

async function receive(deps: LogoutDeps, req: Request): Promise<Reply> {
  const form = req.method === "POST" ? (req.body as Readonly<Record<string, string>>) : undefined;
  const believed = believedOr(deps.inbound.receive({ endpoint: "/saml/slo", rawQuery: rawQueryOf(req), form }));
  const id =
    believed.message.kind === "LogoutRequest"
      ? await leave(deps, req, believed as Believed<LogoutRequest>)
      : await hear(deps, believed as Believed<LogoutResponse>);
  return { kind: "redirect", to: localPath(`/logout/${id}`) };
}

/** A provider says the person left: our session ends, and everybody else hears of it. */
async function leave(
  deps: LogoutDeps,
  req: Request,
  { message, sp, relayState }: Believed<LogoutRequest>,
): Promise<string> {
  const mark = createHash("sha256").update(`${sp.entityId}\0${message.id}`).digest("base64url");
  const isFirst = await deps.store.consumeOnce("saml.logout-id", mark, deps.clock.now() + 3 * SKEW);
  if (!isFirst)
    throw new IdpError("SAML_MESSAGE_REFUSED", {
      rule: "replay",
      at: "/*/@ID",
      expected: "an ID that was not used before",
      sp: sp.entityId,
    });
  const named = await deps.participants.named(sp.entityId, message.nameId?.value ?? "", message.sessionIndexes);
  const uids = [...new Set(named.map(({ sessionUid }) => sessionUid))];
  const others: Participant[] = [];
  const clients: EndedApplication[] = [];
  for (const uid of uids) {
    const all = await deps.participants.ofSession(uid);
    others.push(...all.filter(({ entityId }) => entityId !== sp.entityId));
    const ended = await deps.sessions.end(uid);
    clients.push(...ended.clients);
    const { client_ip, session } = deps.facts.of(req);
    deps.audit.record({
      event: "sign_out",
      saml_entity_id: sp.entityId,
      ...(ended.account === undefined ? {} : { account: ended.account.name }),
      address: client_ip,
      reference: session,
    });
  }
  const afterwards: Afterwards =
    sp.slo.length === 0
      ? { kind: "nothing" }
      : { kind: "response", entityId: sp.entityId, inResponseTo: message.id, relayState };
  const id = await deps.processes.begin({
    apps: planLogout(others, clients, (entityId) => about(deps, entityId)),
    afterwards,
  });
  // Only now: should the store have failed until here, the provider's next request finds who has to hear of it.
  for (const uid of uids) await forgetParticipants(deps, uid);
  return id;
}

/** A provider answers our request. */
async function hear(deps: LogoutDeps, { message, sp }: Believed<LogoutResponse>): Promise<string> {
  const asked = message.inResponseTo === undefined ? undefined : await deps.processes.waiting(message.inResponseTo);
  if (message.inResponseTo === undefined || asked === undefined || asked.entityId !== sp.entityId)
    throw new IdpError("SAML_MESSAGE_REFUSED", {
      rule: "in-response-to",
      at: "/*/@InResponseTo",
      expected: "the ID of a request that waits for its answer",
      sp: sp.entityId,
    });
  const isDone = message.status === STATUS.success && message.secondStatus === undefined;
  await deps.processes.mark(asked.process, asked.index, isDone ? "done" : "failed");
  await deps.processes.forget(message.inResponseTo);
  return asked.process;
}

/** The page of a sign-out: asks whoever is next, or shows how it went and leads on. */
async function show(deps: LogoutDeps, req: Request): Promise<Reply> {
  const id = typeof req.params["id"] === "string" ? req.params["id"] : "";
  const process = await deps.processes.find(id);
  if (process === undefined) throw new IdpError("NOT_FOUND");
  const skip = /^skip=(\d{1,3})$/.exec(rawQueryOf(req))?.[1];
  if (skip !== undefined) {
    await deps.processes.mark(id, Number(skip), "failed");
    return { kind: "redirect", to: localPath(`/logout/${id}`) };
  }
  const index = nextToAsk(process);
  const ask = index === -1 ? undefined : await prepare(deps, id, index, process);
  if (ask === "gone") {
    await deps.processes.mark(id, index, "failed");
    return { kind: "redirect", to: localPath(`/logout/${id}`) };
  }
  return ask === undefined
    ? finished(deps, process)
    : page(process, { carriage: ask, skipHref: `/logout/${id}?skip=${index}`, app: process.apps[index]?.name });
}

/** The signed request to one provider, remembered before it leaves. `gone`: the provider is not configured any more. */
async function prepare(
  deps: LogoutDeps,
  process: string,
  index: number,
  { apps }: LogoutProcess,
): Promise<Carriage | "gone"> {
  const saml = apps[index]?.saml;
  const sp = saml === undefined ? undefined : deps.providers.find(saml.entityId);
  const endpoint = sp === undefined ? undefined : preferred(sp);
  if (saml === undefined || endpoint === undefined) return "gone";
  const requestId = `_${deps.random.id()}`;
  await deps.processes.asked(requestId, { process, index, entityId: saml.entityId });
  await deps.processes.mark(process, index, "asked");
  const frame = { id: requestId, issuer: deps.entityId, destination: endpoint.url, now: deps.clock.now() };
  const markup = logoutRequest(frame, {
    nameId: saml.nameId,
    audience: saml.entityId,
    sessionIndexes: saml.sessionIndexes,
  });
  return pack(deps.signer, {
    parameter: "SAMLRequest",
    root: "LogoutRequest",
    markup,
    to: { binding: endpoint.binding, address: endpoint.url },
    relayState: undefined,
  });
}

/** Redirect where it is offered: it needs no script and no form. */
function preferred(sp: ServiceProvider): ServiceProvider["slo"][number] | undefined {
  return sp.slo.find(({ binding }) => binding === "redirect") ?? sp.slo[0];
}

function finished(deps: LogoutDeps, process: LogoutProcess): Reply {
  const { afterwards } = process;
  if (afterwards.kind === "nothing") return page(process, undefined);
  if (afterwards.kind === "address")
    return page(process, {
      carriage: { binding: "redirect", href: afterwards.href },
      skipHref: undefined,
      app: afterwards.app,
    });
  const sp = deps.providers.find(afterwards.entityId);
  const endpoint = sp === undefined ? undefined : preferred(sp);
  if (sp === undefined || endpoint === undefined) return page(process, undefined);
  const frame = {
    id: `_${deps.random.id()}`,
    issuer: deps.entityId,
    destination: endpoint.responseUrl,
    now: deps.clock.now(),
  };
  const markup = logoutResponse(frame, afterwards.inResponseTo, !isComplete(process));
  const to = { binding: endpoint.binding, address: endpoint.responseUrl };
  const carriage = pack(deps.signer, {
    parameter: "SAMLResponse",
    root: "LogoutResponse",
    markup,
    to,
    relayState: afterwards.relayState,
  });
  return page(process, { carriage, skipHref: undefined, app: sp.name });
}

interface Onward {
  readonly carriage: Carriage;
  /** Where a provider that does not answer is given up; absent on the last step. */
  readonly skipHref: string | undefined;
  readonly app: string | undefined;
}

function page({ apps }: LogoutProcess, onward: Onward | undefined): Reply {
  const failed = apps.some(({ state }) => state === "failed");
  const carriage = onward?.carriage;
  return {
    kind: "page",
    name: "logout/progress",
    model: {
      apps: apps.map(({ name, state }): { name: string; state: Leaving["state"] } => ({ name, state })),
      app: onward?.app,
      isOver: onward?.skipHref === undefined,
      href: carriage?.binding === "redirect" ? carriage.href : undefined,
      form: carriage?.binding === "post" ? { action: carriage.action, fields: carriage.fields } : undefined,
      // What went wrong must be readable before the page goes on.
      isAutomatic: onward !== undefined && (onward.skipHref !== undefined || !failed),
      skipHref: onward?.skipHref,
    },
    headers: carriage?.binding === "post" ? { "Content-Security-Policy": postPolicy(carriage.action) } : {},
  };
}
