import type { RequestListener } from "node:http";
import { fileURLToPath } from "node:url";
import { withSealing } from "../factors/index.ts";
import { createConnectionGate, type ListenDeps, openCertificates } from "../front/index.ts";
import {
  brandCss,
  clientAddress,
  createCsrf,
  createErrorHandler,
  createPages,
  loadAssets,
  trustedProxies,
} from "../http/index.ts";
import { createAccess, createIdentities, createSessionFacts, loginRouter } from "../login/index.ts";
import {
  createAdapterFactory,
  createClaimRules,
  createConsents,
  createOidc,
  createOidcClients,
} from "../oidc/index.ts";
import { createActivity, createPortalGate, portalRouter, withActivity } from "../portal/index.ts";
import type { Saml } from "../saml/index.ts";
import { createAuditLog, createMetrics, withCounts } from "../telemetry/index.ts";
import { createDeviceCodeThrottle, shortKey } from "../throttle/index.ts";
import { createApplications } from "./applications.ts";
import { startChores } from "./background.ts";
import { createDeviceNames, keyName } from "./device-words.ts";
import { createApp } from "./express-app.ts";
import { composeFactors, highestLevel } from "./factors.ts";
import { createHandler } from "./handler.ts";
import { homeRouter } from "./home.ts";
import { insightRouters } from "./insight.ts";
import { createKeyRotation } from "./key-rotation.ts";
import { liveClients, liveProviders } from "./live-applications.ts";
import { createLiveConfig, type LiveConfigDeps } from "./live-config.ts";
import { createLiveScripts } from "./live-scripts.ts";
import { readLogo } from "./logo.ts";
import { withTimings } from "./metrics.ts";
import { oidcPages } from "./oidc-pages.ts";
import { createRequestFacts } from "./request-facts.ts";
import { openResources, type ResourcesInput } from "./resources.ts";
import { composeSaml } from "./saml.ts";
import { createSamlKeyRefresh } from "./saml-key-refresh.ts";
import { createScopeTitles } from "./scope-titles.ts";
import { composeSignIn } from "./sign-in.ts";

export interface Idp {
  readonly handler: RequestListener;
  /** What the sockets in front of `app` need. */
  readonly front: ListenDeps;
  /** No new work: readiness says so, and a proxy sends people elsewhere. */
  drain(): void;
  close(): Promise<void>;
}

export interface ComposeDeps extends Omit<ResourcesInput, "metrics"> {
  /** What is on disk when it changed, where the configuration may change while it runs. */
  readonly poll?: LiveConfigDeps["poll"];
  /** Milliseconds between two looks at what may change while it runs; default 5 s. */
  readonly rereadEvery?: number;
  /** Takes audit lines, where the operator wants a file of them. */
  readonly auditSink?: (line: string) => void;
}

/** Milliseconds: how long a lookup is reused, how long expired records may stay. */
const LOOKUP_CACHE = 5_000;
const SWEEP_EVERY = 30_000;
const REREAD_EVERY = 5_000;
const DAY = 86_400_000;

/** The parts list of the whole system: configuration in, running parts out. The only place that knows them all. */
export async function composeIdp(deps: ComposeDeps): Promise<Idp> {
  const { config, world, logger, auditSink, poll, rereadEvery = REREAD_EVERY } = deps;
  const { clock, random } = world;
  const { issuer, login, ui, mfa } = config;
  const certificates = openCertificates({ config, clock, logger });
  const metrics = createMetrics();
  const resources = await openResources({ ...deps, metrics });
  const { store, keys, sealer, lua } = resources;
  const trail = createAuditLog({
    logger,
    clock,
    nameKey: shortKey,
    ...(auditSink === undefined ? {} : { append: auditSink }),
  });
  const audit = withActivity(withCounts(trail, metrics), { store, clock, random, logger });

  const brand = readLogo(ui.logo);
  const assets = loadAssets(path("public"), { "brand.css": brandCss(ui.accent), ...brand.files });
  const pages = createPages({
    viewsRoot: path("views"),
    assets,
    ui,
    links: { help: login.links.help },
    logo: brand.name === undefined ? undefined : assets.url(brand.name),
  });
  const isTrusted = trustedProxies(config.server.trusted_proxies);
  const facts = createRequestFacts(clientAddress(isTrusted), random);
  const csrf = createCsrf({ key: keys.csrfKey });

  const keepIdentity = Math.max(login.session.remember, login.session.absolute, config.oidc.ttl.refresh_token) + DAY;
  const identities = createIdentities({ store, clock, keepFor: 2 * keepIdentity, logger });
  const backend = withSealing(withTimings(lua.accounts, metrics, clock), sealer);
  const access = createAccess({ backend, clock, cacheFor: LOOKUP_CACHE });
  const factors = composeFactors({
    config,
    backend,
    store,
    world,
    keys,
    sealer,
    audit,
    logger,
    changed: (owner) => access.forget(owner),
  });
  const { service, devices, surge } = composeSignIn({
    config,
    backend,
    store,
    world,
    identities,
    access,
    factors,
    audit,
    logger,
  });
  const can = () => config.lua.backends.map(({ name }) => factors.can(name));
  const highest = () => highestLevel(mfa.levels, can());
  const sessionFacts = createSessionFacts({ store, clock });
  const sessionLife = Math.max(login.session.remember, login.session.absolute, login.session.idle);
  const clients = createOidcClients(config.oidc.clients, mfa);
  // Signing out of one protocol is told to the other; SAML is put together after OpenID Connect, whose session it uses.
  const parts: { saml: Saml | undefined } = { saml: undefined };
  const oidc = createOidc({
    otherApps: async (uid) => (await parts.saml?.appsOf(uid)) ?? [],
    beforeSignOut: async (uid) => (await parts.saml?.beforeSignOut(uid)) ?? (async () => undefined),
    config,
    clients,
    identities,
    access,
    facts,
    sessionFacts,
    sessionLife,
    levels: mfa.levels,
    highest,
    store,
    clock,
    audit,
    logger,
    adapter: createAdapterFactory({ store, clients, clock }),
    jwks: { keys: [...keys.jwks.keys] },
    cookieKeys: keys.cookieKeys,
    pairwiseSecret: keys.pairwiseSecret,
    dpopSecret: keys.dpopSecret,
    claims: createClaimRules(config.oidc, clients.allClaims()),
    consents: createConsents({ store, clock, keepFor: 365 * DAY }),
    newReference: () => Buffer.from(random.bytes(6)).toString("hex"),
    deviceCodes: createDeviceCodeThrottle({ store, clock, limit: login.throttle.account }),
    ...oidcPages(pages, clock),
  });
  const { sessions } = oidc;
  parts.saml = await composeSaml({
    config,
    keys,
    sessions,
    highest,
    access,
    facts,
    csrf,
    store,
    audit,
    logger,
    world,
  });
  const scopeTitle = createScopeTitles(pages, config.oidc.scopes);
  const isSecure = issuer.startsWith("https:");
  const portalGate = createPortalGate({
    sessions,
    csrf,
    store,
    clock,
    random,
    isSecure,
    lifetime: login.attempt,
    mfa,
  });

  const live = createLiveConfig({
    poll: poll ?? (() => undefined),
    config,
    logger,
    parts: [liveClients({ config, clients, oidc }), liveProviders({ config, saml: parts.saml })],
  });
  const scripts = createLiveScripts({ lua, highest, levelsChanged: () => oidc.renew({}) });
  const state = { draining: false };
  const watching = insightRouters({
    token: config.observability.metrics?.token,
    metrics,
    clock,
    state,
    store,
    lua,
    scripts,
    live,
    surge,
    certificates,
    staleMetadata: () => parts.saml?.failing().length ?? 0,
    failingChores: () => chores.failing(),
  });
  const app = createApp({
    issuer,
    pages,
    trustedProxies: config.server.trusted_proxies,
    open: watching,
    crossSite: [assets.router, ...(parts.saml === undefined ? [] : [parts.saml.router])],
    ownSite: [
      loginRouter({
        gates: [oidc.gate, portalGate, ...(parts.saml === undefined ? [] : [parts.saml.gate])],
        service,
        factors,
        devices,
        access,
        csrf,
        pages,
        facts,
        clock,
        keyName,
        forgotHref: login.links.forgot_password,
        offerPasskey: () => can().some(({ webauthn }) => webauthn),
        trustDays: mfa.trusted_devices === undefined ? undefined : Math.round(mfa.trusted_devices.lifetime / DAY),
        offerRemember: login.session.remember > login.session.idle,
        minutes: Math.round(login.attempt / 60_000),
        scopeTitle: (req, request, scope) => scopeTitle(req, request.uiLocales, scope),
      }),
      portalRouter({
        gate: portalGate,
        sessions,
        factors,
        devices,
        access,
        applications: createApplications({ issuer, clients, connected: oidc.connected, saml: () => parts.saml }),
        activity: createActivity({ store, clock }),
        audit,
        csrf,
        pages,
        facts,
        store,
        clock,
        random,
        fresh: mfa.fresh,
        links: { changePassword: login.links.change_password, forgotPassword: login.links.forgot_password },
        offersTrust: mfa.trusted_devices !== undefined,
        deviceName: createDeviceNames(pages),
        keyName,
        scopeTitle: (req, scope) => scopeTitle(req, undefined, scope),
      }),
      homeRouter({ sessions }),
    ],
    failed: createErrorHandler({ pages, logger, clock, reference: (req) => facts.of(req).session }),
  });

  const rotation = createKeyRotation({ store, world, oidc, logger, policy: config.oidc.keys, jwks: keys.jwks });
  const samlKeys = createSamlKeyRefresh({ store, saml: parts.saml, logger, keys: keys.samlKeys });
  const chores = startChores(
    [
      { every: SWEEP_EVERY, name: "expired records", work: () => store.sweep() },
      { every: rereadEvery, name: "service providers", work: async () => parts.saml?.refresh() },
      { every: rereadEvery, name: "configuration", work: () => live.turn() },
      { every: rereadEvery, name: "Lua scripts", work: () => scripts.turn() },
      { every: rereadEvery, name: "keys", work: () => rotation.turn() },
      { every: rereadEvery, name: "SAML certificates", work: () => samlKeys.turn() },
      { every: rereadEvery, name: "TLS certificates", work: () => certificates.turn() },
      { every: rereadEvery, name: "sign-outs to tell again", work: () => oidc.tellAgain() },
      { every: rereadEvery, name: "end of a surge", work: () => surge.turn() },
    ],
    logger,
  );
  return {
    handler: createHandler({ app, oidc, issuer, metrics, clock }),
    front: {
      certificates,
      connections: createConnectionGate({ limits: config.server.connections, isTrusted, logger, clock }),
      logger,
    },
    drain: () => void (state.draining = true),
    async close() {
      chores.stop();
      await resources.close();
    },
  };
}

/** A folder beside `src` (or `dist`). */
function path(name: string): string {
  return fileURLToPath(new URL(`../../${name}`, import.meta.url));
}
