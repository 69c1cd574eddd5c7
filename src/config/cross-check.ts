import { existsSync, statSync } from "node:fs";
import type { Finding } from "./finding.ts";
import type { Config } from "./schema.ts";

/** What no single field can tell: contradictions and unsafe combinations. Paths are those of the file. */
export function crossCheck(config: Config): readonly Finding[] {
  return [...checkIssuer(config), ...checkLogo(config), ...checkBackends(config), ...checkClients(config)];
}

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "[::1]"]);

function isLoopback(address: string): boolean {
  const { hostname } = new URL(address);
  return LOOPBACK.has(hostname) || hostname.endsWith(".localhost");
}

function checkIssuer({ issuer }: Config): Finding[] {
  const path = ["issuer"];
  const url = new URL(issuer);
  if (url.origin !== issuer)
    return [{ path, message: "must be an origin without path, query or fragment", suggestion: `write ${url.origin}` }];
  if (url.protocol === "http:" && !isLoopback(issuer)) {
    return [
      {
        path,
        message: "http is only for localhost; passwords would travel in the clear",
        suggestion: `write https://${url.host}`,
      },
    ];
  }
  return [];
}

const LOGO_LIMIT = 65_536;

function checkLogo({ ui }: Config): Finding[] {
  const path = ["ui", "logo"];
  if (ui.logo === undefined) return [];
  if (!/\.(?:svg|png)$/i.test(ui.logo)) return [{ path, message: "must be an SVG or PNG file" }];
  const size = statSync(ui.logo, { throwIfNoEntry: false })?.size;
  if (size === undefined) return [{ path, message: `there is no file ${ui.logo}` }];
  return size > LOGO_LIMIT ? [{ path, message: "must not be larger than 64 KB" }] : [];
}

function checkBackends({ lua }: Config): Finding[] {
  const findings: Finding[] = [];
  lua.backends.forEach((backend, index) => {
    const path = ["lua", "backends", index];
    const first = lua.backends.findIndex((other) => other.name === backend.name);
    if (first < index)
      findings.push({
        path: [...path, "name"],
        message: `the name "${backend.name}" is used by lua.backends[${first}] already`,
      });
    if (!existsSync(backend.script))
      findings.push({ path: [...path, "script"], message: `there is no file ${backend.script}` });
  });
  return findings;
}

function checkClients({ oidc, issuer }: Config): Finding[] {
  return oidc.clients.flatMap((client, index) => {
    const path = ["oidc", "clients", index];
    const first = oidc.clients.findIndex((other) => other.client_id === client.client_id);
    const duplicate: Finding[] =
      first < index
        ? [
            {
              path: [...path, "client_id"],
              message: `the client_id "${client.client_id}" is used by oidc.clients[${first}] already`,
            },
          ]
        : [];
    return [
      ...duplicate,
      ...checkSecret(client, path, isLoopback(issuer)),
      ...client.redirect_uris.flatMap((uri, at) => checkRedirect(uri, [...path, "redirect_uris", at])),
    ];
  });
}

type Client = Config["oidc"]["clients"][number];

function checkSecret(client: Client, path: readonly (string | number)[], isTrial: boolean): Finding[] {
  const method = client.token_endpoint_auth_method;
  const needsSecret = method === "client_secret_basic" || method === "client_secret_post";
  if (!needsSecret) {
    if (client.client_secret !== undefined)
      return [{ path: [...path, "client_secret"], message: `a client with ${method} has no secret; remove it` }];
    const hasKeys = client.jwks !== undefined || client.jwks_uri !== undefined;
    return method === "private_key_jwt" && !hasKeys
      ? [{ path, message: "private_key_jwt needs jwks or jwks_uri" }]
      : [];
  }
  if (client.client_secret === undefined) {
    return [
      {
        path,
        message: `${method} needs client_secret`,
        suggestion: "for a public client set token_endpoint_auth_method: none",
      },
    ];
  }
  return !isTrial && client.client_secret.expose().length < 16
    ? [{ path: [...path, "client_secret"], message: "must have at least 16 characters; a short secret can be guessed" }]
    : [];
}

function checkRedirect(uri: string, path: readonly (string | number)[]): Finding[] {
  const url = new URL(uri);
  if (uri.includes("*")) return [{ path, message: "wildcards are not supported; addresses are compared exactly" }];
  if (url.hash !== "" || uri.endsWith("#"))
    return [{ path, message: "must not have a fragment (RFC 6749 section 3.1.2)" }];
  if (url.protocol === "http:" && !isLoopback(uri))
    return [
      { path, message: "http is only for loopback addresses", suggestion: `write https://${url.host}${url.pathname}` },
    ];
  return [];
}
