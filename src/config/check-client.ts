import type { Finding, Path } from "./finding.ts";
import { isLoopback } from "./loopback.ts";
import type { Config } from "./schema.ts";

type Client = Config["oidc"]["clients"][number];

/** What is wrong with each client by itself and beside the others. Paths as if all stood in `oidc.clients`. */
export function checkClients({ oidc, issuer }: Config): Finding[] {
  return oidc.clients.flatMap((client, index) => {
    const path = ["oidc", "clients", index];
    return [
      ...checkId(client, index, oidc.clients),
      ...checkSecret(client, path, isLoopback(issuer)),
      ...checkGrants(client, path),
      ...checkKeys(client, path),
      ...checkSector(client, path),
      ...(["redirect_uris", "post_logout_redirect_uris"] as const).flatMap((name) =>
        (client[name] ?? []).flatMap((uri, at) => checkRedirect(uri, client, [...path, name, at])),
      ),
    ];
  });
}

function checkId({ client_id }: Client, index: number, clients: readonly Client[]): Finding[] {
  const first = clients.findIndex((other) => other.client_id === client_id);
  if (first === index) return [];
  const message = `the client_id "${client_id}" is used by oidc.clients[${first}] already`;
  return [{ path: ["oidc", "clients", index, "client_id"], message }];
}

function checkSecret(client: Client, path: Path, isTrial: boolean): Finding[] {
  const method = client.token_endpoint_auth_method;
  const place = [...path, "client_secret"];
  if (method !== "client_secret_basic" && method !== "client_secret_post") {
    return client.client_secret === undefined
      ? []
      : [{ path: place, message: `a client with ${method} has no secret; remove it` }];
  }
  if (client.client_secret === undefined) {
    const suggestion = "for a public client set token_endpoint_auth_method: none";
    return [{ path, message: `${method} needs client_secret`, suggestion }];
  }
  const { length } = client.client_secret.expose();
  if (length === 0) return [{ path: place, message: "must not be empty" }];
  return !isTrial && length < 16
    ? [{ path: place, message: "must have at least 16 characters; a short secret can be guessed" }]
    : [];
}

function checkGrants({ grant_types, redirect_uris, response_types }: Client, path: Path): Finding[] {
  const isSentBack = grant_types.includes("authorization_code");
  if (isSentBack && redirect_uris.length === 0)
    return [{ path: [...path, "redirect_uris"], message: "needs at least one address for authorization_code" }];
  return !isSentBack && response_types !== undefined
    ? [{ path: [...path, "response_types"], message: "is for clients with the grant type authorization_code" }]
    : [];
}

/** Members of a JWK that belong to its owner alone (RFC 7518 section 6). */
const PRIVATE_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

function checkKeys(client: Client, path: Path): Finding[] {
  const { jwks, jwks_uri, token_endpoint_auth_method: method } = client;
  const isPrivate = jwks?.keys.some((key) => PRIVATE_MEMBERS.some((member) => member in key)) ?? false;
  if (isPrivate)
    return [
      { path: [...path, "jwks"], message: "holds a private key; only the public one belongs here, so replace it" },
    ];
  if (jwks !== undefined && jwks_uri !== undefined)
    return [{ path: [...path, "jwks_uri"], message: "stands beside jwks; keep one of them (RFC 7591 section 2)" }];
  return method === "private_key_jwt" && jwks === undefined && jwks_uri === undefined
    ? [{ path, message: "private_key_jwt needs jwks or jwks_uri" }]
    : [];
}

/** A pairwise `sub` is one per host of the redirect addresses (OIDC Core section 8.1). */
function checkSector({ subject_type, redirect_uris }: Client, path: Path): Finding[] {
  const hosts = new Set(redirect_uris.map((uri) => new URL(uri).host));
  return subject_type === "pairwise" && hosts.size > 1
    ? [{ path: [...path, "redirect_uris"], message: "must share one host with subject_type: pairwise" }]
    : [];
}

/** Schemes that run or read something in the browser instead of handing over to an application. */
const NEVER: ReadonlySet<string> = new Set(["javascript:", "data:", "vbscript:", "file:", "blob:", "about:"]);

function checkRedirect(uri: string, { application_type }: Client, path: Path): Finding[] {
  const url = new URL(uri);
  if (uri.includes("*")) return [{ path, message: "wildcards are not supported; addresses are compared exactly" }];
  if (uri.includes("#")) return [{ path, message: "must not have a fragment (RFC 6749 section 3.1.2)" }];
  if (NEVER.has(url.protocol)) return [{ path, message: `must not use the scheme ${url.protocol.slice(0, -1)}` }];
  if (url.protocol === "https:") return [];
  if (url.protocol === "http:") {
    const suggestion = `write https://${url.host}${url.pathname}`;
    return isLoopback(uri) ? [] : [{ path, message: "http is only for loopback addresses", suggestion }];
  }
  const suggestion = "for an application with a scheme of its own set application_type: native";
  return application_type === "native" ? [] : [{ path, message: "must be an https address", suggestion }];
}
