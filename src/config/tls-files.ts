import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { isIP } from "node:net";
import { createSecureContext } from "node:tls";
import { failure, type Result, Secret, success } from "../kernel/index.ts";

export interface TlsFiles {
  readonly cert_file: string;
  readonly key_file: string;
}

/** A certificate with its chain and its private key: they belong together and TLS takes them. */
export interface TlsPair {
  /** PEM, the server's own certificate first. */
  readonly certificate: string;
  /** PEM. */
  readonly key: Secret;
  /** Milliseconds since the epoch. */
  readonly startsAt: number;
  readonly endsAt: number;
  readonly covers: (host: string) => boolean;
  /** Others than its owner may read the key's file. */
  readonly isKeyExposed: boolean;
}

/** What is wrong with one of the files. */
export interface TlsFault {
  readonly key: keyof TlsFiles;
  readonly message: string;
}

/** Reads both files and holds them against each other; whether the certificate is valid today is another question. */
export function readTlsPair(files: TlsFiles): Result<TlsPair, TlsFault> {
  const wrong = (key: keyof TlsFiles, message: string) => failure({ key, message });
  const [certificate, keyText] = [textOf(files.cert_file), textOf(files.key_file)];
  if (certificate === undefined) return wrong("cert_file", `the file ${files.cert_file} cannot be read`);
  if (keyText === undefined) return wrong("key_file", `the file ${files.key_file} cannot be read`);
  const chain = certificatesIn(certificate);
  const [own] = chain;
  if (own === undefined) return wrong("cert_file", "must hold certificates in PEM, the server's own one first");
  const stranger = chain.findIndex((one, at) => at > 0 && !chain.slice(0, at).some((under) => under.checkIssued(one)));
  if (stranger !== -1)
    return wrong("cert_file", `certificate ${stranger + 1} in it issued none before it; the server's own comes first`);
  const key = privateKey(keyText);
  if (typeof key === "string") return wrong("key_file", key);
  if (!own.checkPrivateKey(key)) return wrong("key_file", `is not the key of the certificate in ${files.cert_file}`);
  try {
    createSecureContext({ cert: certificate, key: keyText });
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "unknown reason";
    return wrong("cert_file", `TLS does not take it (${code})`);
  }
  return success({
    certificate,
    key: new Secret(keyText),
    startsAt: own.validFromDate.getTime(),
    endsAt: own.validToDate.getTime(),
    covers: (host) => (isIP(host) === 0 ? own.checkHost(host) : own.checkIP(host)) !== undefined,
    isKeyExposed: (statSync(files.key_file).mode & 0o077) !== 0,
  });
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}

function certificatesIn(pem: string): readonly X509Certificate[] {
  try {
    const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
    return blocks.map((block) => new X509Certificate(block));
  } catch {
    return [];
  }
}

/** The key, or what is wrong with it. */
function privateKey(pem: string): KeyObject | string {
  if (pem.includes("ENCRYPTED")) return "is encrypted; keys with a passphrase are not supported";
  try {
    return createPrivateKey(pem);
  } catch {
    return "must hold a private key in PEM";
  }
}
