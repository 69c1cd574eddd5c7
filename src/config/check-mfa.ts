import type { Finding, Path } from "./finding.ts";
import type { Config } from "./schema.ts";

/** What is wrong with the second factors: passkeys no browser would use, and levels nobody can reach. */
export function checkMfa(config: Config): Finding[] {
  return [...checkRelyingParty(config), ...checkLevels(config)];
}

/** A relying party id is the host of every origin or a parent domain of it (WebAuthn section 5.1.3). */
function checkRelyingParty({ mfa, issuer }: Config): Finding[] {
  const { rp_id: id, origins } = mfa.webauthn;
  if (!URL.canParse(issuer)) return [];
  const party = id ?? new URL(issuer).hostname;
  const fits = (origin: string): boolean => {
    const { hostname } = new URL(origin);
    return hostname === party || hostname.endsWith(`.${party}`);
  };
  const findings: Finding[] = [];
  if (!fits(issuer)) {
    const suggestion = `write ${new URL(issuer).hostname} or a parent domain of it`;
    findings.push({
      path: ["mfa", "webauthn", "rp_id"],
      message: "must be the issuer's host or a parent domain of it",
      suggestion,
    });
  }
  origins.forEach((origin, index) => {
    const path = ["mfa", "webauthn", "origins", index];
    if (new URL(origin).origin !== origin)
      findings.push({ path, message: "must be an origin without path", suggestion: `write ${new URL(origin).origin}` });
    else if (!fits(origin)) findings.push({ path, message: `is not a host of the relying party ${party}` });
  });
  return findings;
}

type Ask = Pick<Config["oidc"]["clients"][number], "require_mfa" | "supported_mfa">;

function checkLevels({ mfa, oidc, saml }: Config): Finding[] {
  const check = (ask: Ask, path: Path): Finding[] => {
    const wanted = ask.require_mfa ?? mfa.require_mfa;
    const supported = ask.supported_mfa ?? mfa.supported_mfa;
    const best = Math.max(1, ...supported.map((method) => mfa.levels[method]));
    if (wanted <= best) return [];
    const message = `level ${wanted} cannot be reached with ${supported.join(", ")} (at most ${best})`;
    return [{ path: [...path, ask.require_mfa === undefined ? "supported_mfa" : "require_mfa"], message }];
  };
  return [
    ...check({ require_mfa: undefined, supported_mfa: undefined }, ["mfa"]).map((finding) => ({
      ...finding,
      path: ["mfa", "require_mfa"],
    })),
    ...oidc.clients.flatMap((client, index) =>
      client.require_mfa === undefined && client.supported_mfa === undefined
        ? []
        : check(client, ["oidc", "clients", index]),
    ),
    ...(saml?.service_providers ?? []).flatMap((sp, index) =>
      sp.require_mfa === undefined && sp.supported_mfa === undefined
        ? []
        : check(sp, ["saml", "service_providers", index]),
    ),
  ];
}
