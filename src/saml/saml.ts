import type { Router } from "express";
import { type Csrf, exactRouter, methodNotAllowed } from "../http/index.ts";
import { IdpError, type World } from "../kernel/index.ts";
import type { SamlKey } from "../keys/index.ts";
import type {
  Access,
  BrowserSessions,
  EndedApplication,
  Level,
  Levels,
  RequestFacts,
  SignInGate,
} from "../login/index.ts";
import type { Store } from "../store/index.ts";
import type { AuditLog, Logger } from "../telemetry/index.ts";
import { createInboundGate } from "./inbound/gate.ts";
import { createLogoutProcesses } from "./logout/processes.ts";
import { logoutRouter, prepareLogout } from "./logout/router.ts";
import { idpMetadata } from "./outbound/metadata.ts";
import { createSigner, type Signer } from "./outbound/signer.ts";
import { type ConnectedProvider, type LaunchableProvider, launchableProviders } from "./sp/launch.ts";
import { openRegistry } from "./sp/registry.ts";
import type { SpEntry } from "./sp/sources.ts";
import { createSamlGate } from "./sso/gate.ts";
import { createParticipants } from "./sso/participants.ts";
import { createPendingRequests } from "./sso/requests.ts";
import { responseRoute, ssoRouter } from "./sso/router.ts";
import { loadSchemas } from "./xml/schema.ts";

export interface SamlDeps {
  readonly issuer: string;
  readonly entityId: string;
  readonly product: string;
  readonly entries: readonly SpEntry[];
  /** Milliseconds between two readings of a metadata address. */
  readonly refreshUrls: number;
  /** Milliseconds a sign-in may take. */
  readonly attempt: number;
  /** The signing key first. */
  readonly keys: readonly SamlKey[];
  readonly nameIdSecret: Uint8Array;
  readonly sessions: BrowserSessions;
  readonly levels: Levels;
  readonly highest: () => Level;
  readonly access: Access;
  readonly facts: RequestFacts;
  readonly csrf: Csrf;
  readonly store: Store;
  readonly audit: AuditLog;
  readonly logger: Logger;
  readonly world: World;
  readonly fetchText: (url: string) => Promise<string>;
}

export interface Saml {
  readonly gate: SignInGate;
  /** Takes messages of other sites: stands before the check for cross-site POSTs. */
  readonly router: Router;
  /**
   * Prepares, while a session still stands, to tell its providers of its end. What that gives is called when it is over: the page that
   * tells them, `undefined` when there is nobody to tell.
   */
  beforeSignOut(
    uid: string,
  ): Promise<
    (left: {
      readonly clients: readonly EndedApplication[];
      readonly href: string;
      readonly app: string | undefined;
    }) => Promise<string | undefined>
  >;
  /** The providers that were told about a session, by name. */
  appsOf(uid: string): Promise<readonly string[]>;
  /** The name people know a provider by. */
  nameOf(entityId: string): string | undefined;
  /** Providers that a person may be taken to without a request of theirs. */
  launchable(): readonly LaunchableProvider[];
  /** The providers a person is signed in to. */
  connected(subject: string): Promise<readonly ConnectedProvider[]>;
  /** Reads service providers again that changed. */
  refresh(): Promise<void>;
  /** The operator's entries are these from now on. */
  replace(entries: readonly SpEntry[]): Promise<void>;
  /** Signs with the first of these from now on, and publishes all of them. */
  renew(keys: readonly SamlKey[]): void;
  /** Metadata sources that could not be read the last time. */
  failing(): readonly string[];
}

/** Metadata is signed anew this often (milliseconds) and valid for this long. */
const METADATA_EVERY = 3_600_000;
const METADATA_VALID = 7 * 86_400_000;

/** Everything SAML, ready to be mounted. */
export async function openSaml(deps: SamlDeps): Promise<Saml> {
  const { issuer, entityId, store, logger, world } = deps;
  const { clock, random } = world;
  const schemas = loadSchemas();
  const providers = await openRegistry({ ...deps, schemas, store, clock, logger });
  const state = { keys: deps.keys, signer: signerOf(entityId, deps.keys) };
  const signer: Signer = {
    response: (markup, sp) => state.signer.response(markup, sp),
    message: (markup, root) => state.signer.message(markup, root),
    metadata: (markup) => state.signer.metadata(markup),
    octets: (octets) => state.signer.octets(octets),
  };
  const common = {
    ...deps,
    providers,
    signer,
    clock,
    random,
    participants: createParticipants({ store, clock, random }),
  };
  const requests = createPendingRequests({ store, clock, random, lifetime: deps.attempt });
  const gate = createSamlGate({ ...common, requests, isSecure: issuer.startsWith("https:"), lifetime: deps.attempt });
  const inbound = createInboundGate({ issuer, providers, schemas, clock });
  const sso = { ...common, requests, gate, inbound, isSecure: issuer.startsWith("https:"), lifetime: deps.attempt };
  const leaving = { ...common, inbound, processes: createLogoutProcesses({ store, clock, random }) };
  const router = exactRouter();
  router.use(ssoRouter(sso));
  router.get(...responseRoute(sso));
  router.use(logoutRouter(leaving));
  const ours = publishedMetadata(deps, () => {
    const facts = { ...deps, keys: state.keys, id: `_${random.id()}`, validUntil: clock.now() + METADATA_VALID };
    return signer.metadata(idpMetadata(facts));
  });
  router.use(ours.router);
  return {
    gate,
    router,
    appsOf: async (uid) => {
      const told = await common.participants.ofSession(uid);
      return [...new Set(told.map((one) => providers.find(one.entityId)?.name ?? one.entityId))];
    },
    async beforeSignOut(uid) {
      const tell = await prepareLogout(leaving, uid);
      return ({ clients, href, app }) => tell(clients, { kind: "address", href, app });
    },
    nameOf: (id) => providers.find(id)?.name,
    launchable: () => launchableProviders(providers),
    async connected(subject) {
      const told = await common.participants.ofPerson(subject);
      return told.map(({ entityId: id, since }) => ({ entityId: id, since, name: providers.find(id)?.name ?? id }));
    },
    refresh: () => providers.refresh(),
    replace: (entries) => providers.replace(entries),
    renew(keys) {
      state.signer = signerOf(entityId, keys);
      state.keys = keys;
      ours.forget();
    },
    failing: () => providers.failing(),
  };
}

/** @throws IdpError INTERNAL without a key */
function signerOf(entityId: string, [active]: readonly SamlKey[]): Signer {
  if (active === undefined) throw new IdpError("INTERNAL", { because: "SAML without a key" });
  return createSigner({ entityId, key: active });
}

/** Our metadata, signed once an hour and when it changes. */
function publishedMetadata({ world }: SamlDeps, make: () => string): { router: Router; forget: () => void } {
  const state: { made: { readonly at: number; readonly xml: string } | undefined } = { made: undefined };
  const router = exactRouter();
  router.get("/saml/metadata", (_req, res) => {
    const now = world.clock.now();
    if (state.made === undefined || now - state.made.at > METADATA_EVERY) state.made = { at: now, xml: make() };
    res
      .set({ "Content-Type": "application/samlmetadata+xml", "Cache-Control": "public, max-age=3600" })
      .send(state.made.xml);
  });
  router.all("/saml/metadata", methodNotAllowed(["GET"]));
  return { router, forget: () => void (state.made = undefined) };
}
