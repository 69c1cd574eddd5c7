import { X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { Finding } from "./finding.ts";
import { isLoopback } from "./loopback.ts";
import type { Config } from "./schema.ts";

type ServiceProvider = NonNullable<Config["saml"]>["service_providers"][number];

/** What no single field of `saml` can tell. */
export function checkSaml({ saml }: Config): readonly Finding[] {
  const providers = saml?.service_providers ?? [];
  return providers.flatMap((sp, index) =>
    [...checkShape(sp), ...checkFiles(sp), ...checkTwice(providers, index)].map((finding) => ({
      ...finding,
      path: ["saml", "service_providers", index, ...finding.path],
    })),
  );
}

/** Each rule with what breaks it. */
const RULES: readonly {
  readonly path: readonly string[];
  readonly message: string;
  readonly isBroken: (sp: ServiceProvider) => boolean;
}[] = [
  {
    path: ["metadata"],
    message: "stands for entity_id, acs, slo and certificates; write one or the other",
    isBroken: (sp) => sp.metadata !== undefined && isWritten(sp),
  },
  {
    path: [],
    message: "needs metadata, or entity_id and acs",
    isBroken: (sp) => sp.metadata === undefined && (sp.entity_id === undefined || sp.acs.length === 0),
  },
  {
    path: ["sign_assertion"],
    message: "an answer without any signature proves nothing; sign the response or the assertion",
    isBroken: (sp) => !sp.sign_response && !sp.sign_assertion,
  },
  {
    path: ["encrypt_assertion"],
    message: "needs a certificate to encrypt for",
    isBroken: (sp) => sp.metadata === undefined && sp.encrypt_assertion && sp.certificates.length === 0,
  },
  {
    path: ["require_signed_requests"],
    message: "needs certificates to check signatures with",
    isBroken: (sp) => sp.metadata === undefined && sp.require_signed_requests && sp.certificates.length === 0,
  },
  {
    path: ["metadata"],
    message: "keys that come over http can be anybody's; use https",
    isBroken: ({ metadata }) => metadata?.startsWith("http:") === true && !isLoopback(metadata),
  },
];

function isWritten(sp: ServiceProvider): boolean {
  return sp.entity_id !== undefined || sp.acs.length > 0 || sp.slo.length > 0 || sp.certificates.length > 0;
}

function checkShape(sp: ServiceProvider): Finding[] {
  return RULES.filter(({ isBroken }) => isBroken(sp)).map(({ path, message }) => ({ path, message }));
}

function checkFiles(sp: ServiceProvider): Finding[] {
  const findings: Finding[] = [];
  if (
    sp.metadata !== undefined &&
    !/^https?:/.test(sp.metadata) &&
    statSync(sp.metadata, { throwIfNoEntry: false }) === undefined
  )
    findings.push({ path: ["metadata"], message: `there is no file or folder ${sp.metadata}` });
  sp.certificates.forEach((file, index) => {
    if (!isCertificate(file))
      findings.push({ path: ["certificates", index], message: `${file} is not a PEM certificate that can be read` });
  });
  return findings;
}

function checkTwice(providers: readonly ServiceProvider[], index: number): Finding[] {
  const { entity_id: id } = providers[index] ?? {};
  const first = id === undefined ? index : providers.findIndex((sp) => sp.entity_id === id);
  return first < index ? [{ path: ["entity_id"], message: `is used by saml.service_providers[${first}] already` }] : [];
}

function isCertificate(file: string): boolean {
  try {
    return new X509Certificate(readFileSync(file)).raw.length > 0;
  } catch {
    return false;
  }
}
