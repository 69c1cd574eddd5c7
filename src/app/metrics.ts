import { timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Router } from "express";
import type { AccountBackend } from "../backend/index.ts";
import type { Certificates } from "../front/index.ts";
import { exactRouter } from "../http/index.ts";
import type { Clock, Secret } from "../kernel/index.ts";
import type { LuaBackends } from "../lua/index.ts";
import type { Metrics } from "../telemetry/index.ts";

/** Routes by the beginning of their path; everything else is "other", so that strangers make no series. */
const ROUTES: readonly (readonly [prefix: string, route: string])[] = [
  ["/oidc/authorize", "authorize"],
  ["/oidc/token", "token"],
  ["/oidc/userinfo", "userinfo"],
  ["/oidc/introspect", "introspect"],
  ["/oidc/revoke", "revoke"],
  ["/oidc/jwks", "jwks"],
  ["/oidc/logout", "logout"],
  ["/saml/metadata", "saml_metadata"],
  ["/saml/sso", "saml_sso"],
  ["/saml/slo", "saml_slo"],
  ["/login/", "login"],
  ["/account", "account"],
  ["/assets/", "assets"],
  ["/health/", "health"],
  ["/.well-known/", "well_known"],
];

const METHODS: ReadonlySet<string> = new Set(["GET", "POST", "HEAD", "OPTIONS"]);

export function routeOf(path: string): string {
  return ROUTES.find(([prefix]) => path.startsWith(prefix))?.[1] ?? "other";
}

/** Times an answer, from now until it is out. */
export function measureRequests(metrics: Metrics, clock: Clock): (req: IncomingMessage, res: ServerResponse) => void {
  return ({ url = "", method: asked = "" }, res) => {
    const startedAt = clock.monotonic();
    const route = routeOf(url);
    const method = METHODS.has(asked) ? asked : "other";
    res.once("finish", () => metrics.request(route, method, res.statusCode, (clock.monotonic() - startedAt) / 1000));
  };
}

/** `/metrics`, for whoever has the token (`Authorization: Bearer …`). */
export function metricsRouter(metrics: Metrics, token: Secret): Router {
  const router = exactRouter();
  router.get("/metrics", async (req, res) => {
    res.set("Cache-Control", "no-store");
    const sent = /^Bearer ([^ ]+)$/i.exec(req.headers.authorization ?? "")?.[1] ?? "";
    if (!isSame(sent, token.expose())) {
      res.status(401).set("WWW-Authenticate", "Bearer").type("text/plain").send("a bearer token is needed\n");
      return;
    }
    const { type, text } = await metrics.expose();
    res.set("Content-Type", type).send(text);
  });
  return router;
}

function isSame(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}

/** What is in use and older than what was asked for. */
export function measureStaleness(
  metrics: Metrics,
  {
    staleMetadata,
    isConfigStale,
    certificates,
    clock,
  }: {
    staleMetadata: () => number;
    isConfigStale: () => boolean;
    certificates: Pick<Certificates, "state" | "endsAt">;
    clock: Clock;
  },
): void {
  const sources = "SAML metadata sources that could not be read the last time";
  metrics.gauge("moonlatch_stale_metadata", sources, staleMetadata);
  const config = "1 while the configuration on disk is not the one in use";
  metrics.gauge("moonlatch_config_stale", config, () => (isConfigStale() ? 1 : 0));
  if (certificates.endsAt() === undefined) return;
  const left = (): number => Math.round(((certificates.endsAt() ?? 0) - clock.now()) / 1000);
  const ends = "Seconds until the first TLS certificate ends, below 0 afterwards";
  metrics.gauge("moonlatch_certificate_expires_seconds", ends, left);
  const pairs = "1 while the TLS certificate on disk is not the one in use";
  metrics.gauge("moonlatch_certificate_stale", pairs, () => (certificates.state() === "stale" ? 1 : 0));
}

/** Calls that wait for a Lua thread or have one, and scripts that are older than what is on disk. */
export function measureLua(metrics: Metrics, lua: LuaBackends): void {
  const help = "Calls of backend functions that wait for a Lua thread or have one";
  metrics.gaugePerBackend(
    "moonlatch_lua_calls_in_flight",
    help,
    () => new Map(lua.status().map(({ backend, inFlight }) => [backend, inFlight])),
  );
  const stale = (): number => lua.status().filter(({ isStale }) => isStale).length;
  metrics.gauge("moonlatch_stale_scripts", "Backends whose script on disk cannot be used", stale);
}

/** The backend with every call timed, by function and outcome. */
export function withTimings(backend: AccountBackend, metrics: Metrics, clock: Clock): AccountBackend {
  const timed = async <Outcome extends { readonly code: string }>(
    name: string,
    fn: string,
    work: Promise<Outcome>,
  ): Promise<Outcome> => {
    const startedAt = clock.monotonic();
    const outcome = await work;
    metrics.backendCall(name, fn, outcome.code, (clock.monotonic() - startedAt) / 1000);
    return outcome;
  };
  return {
    ...backend,
    verifyPassword: (...args) => timed("any", "verify_password", backend.verifyPassword(...args)),
    lookup: (...args) => timed(args[2] ?? "any", "lookup", backend.lookup(...args)),
    listAccounts: (...args) => timed("any", "list_accounts", backend.listAccounts(...args)),
    addTotp: (...args) => timed(args[0].backend, "add_totp", backend.addTotp(...args)),
    deleteTotp: (...args) => timed(args[0].backend, "delete_totp", backend.deleteTotp(...args)),
    addRecoveryCodes: (...args) => timed(args[0].backend, "add_totp_recovery_codes", backend.addRecoveryCodes(...args)),
    deleteRecoveryCodes: (...args) =>
      timed(args[0].backend, "delete_totp_recovery_codes", backend.deleteRecoveryCodes(...args)),
    webauthnCredentials: (...args) =>
      timed(args[0].backend, "get_webauthn_credentials", backend.webauthnCredentials(...args)),
    saveWebauthnCredential: (...args) =>
      timed(args[0].backend, "save_webauthn_credential", backend.saveWebauthnCredential(...args)),
    deleteWebauthnCredential: (...args) =>
      timed(args[0].backend, "delete_webauthn_credential", backend.deleteWebauthnCredential(...args)),
    updateWebauthnCredential: (...args) =>
      timed(args[0].backend, "update_webauthn_credential", backend.updateWebauthnCredential(...args)),
  };
}
