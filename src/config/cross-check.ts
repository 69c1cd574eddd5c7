import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { checkClients } from "./check-client.ts";
import { checkMfa } from "./check-mfa.ts";
import { checkSaml } from "./check-saml.ts";
import type { Finding } from "./finding.ts";
import { isLoopback } from "./loopback.ts";
import type { Config } from "./schema.ts";
import { readTlsPair } from "./tls-files.ts";

/** What no single field can tell: contradictions and unsafe combinations. Paths are those of the file. */
export function crossCheck(config: Config): readonly Finding[] {
  return [
    ...checkIssuer(config),
    ...checkTls(config),
    ...checkLogo(config),
    ...checkBackends(config),
    ...checkAuthorities(config),
    ...checkMfa(config),
    ...checkClients(config),
    ...checkSaml(config),
  ];
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

function checkTls({ server }: Config): Finding[] {
  return server.listen.flatMap(({ tls }, index) => {
    const read = tls === undefined ? undefined : readTlsPair(tls);
    if (read === undefined || read.ok) return [];
    const { key, message } = read.problem;
    return [{ path: ["server", "listen", index, "tls", key], message }];
  });
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

function checkAuthorities({ lua }: Config): Finding[] {
  return lua.backends.flatMap(({ allow: { ca_file: file } }, index) => {
    if (file === undefined || holdsAuthority(file)) return [];
    const message = `${file} is no PEM file that begins with an authority's certificate`;
    return [{ path: ["lua", "backends", index, "allow", "ca_file"], message }];
  });
}

function holdsAuthority(file: string): boolean {
  try {
    return new X509Certificate(readFileSync(file)).ca;
  } catch {
    return false;
  }
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
    const files = [
      { at: ["script"], file: backend.script },
      ...backend.init.map((file, place) => ({ at: ["init", place], file })),
    ];
    for (const { at, file } of files) {
      if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true)
        findings.push({ path: [...path, ...at], message: `there is no file ${file}` });
    }
  });
  return findings;
}
