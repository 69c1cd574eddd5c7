// @peculiar/x509 wants this package loaded before it is.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { writeFileSync } from "node:fs";
import { BasicConstraintsExtension, SubjectAlternativeNameExtension, X509CertificateGenerator } from "@peculiar/x509";
import type { TlsFiles } from "../../src/config/index.ts";

const EC = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const DAY = 86_400_000;

type Created = Parameters<typeof X509CertificateGenerator.create>[0];

/** Somebody a certificate is for. All in PEM. */
export interface Certified {
  readonly name: string;
  readonly certificate: string;
  readonly key: string;
  readonly keys: webcrypto.CryptoKeyPair;
}

export interface CertificateWish {
  /** Its common name, and its alternative name unless it is an authority. */
  readonly name: string;
  /** Who signs it; default: itself. */
  readonly by?: Certified;
  readonly isAuthority?: boolean;
  /** Days from now. */
  readonly from?: number;
  readonly until?: number;
}

/** An elliptic-curve key with a certificate. */
export async function certify({
  name,
  by,
  isAuthority = false,
  from = -1,
  until = 90,
}: CertificateWish): Promise<Certified> {
  const keys = await webcrypto.subtle.generateKey(EC, true, ["sign", "verify"]);
  const wanted = {
    serialNumber: `0${Buffer.from(webcrypto.getRandomValues(new Uint8Array(10))).toString("hex")}`,
    subject: [{ CN: [name] }],
    issuer: [{ CN: [by?.name ?? name] }],
    notBefore: new Date(Date.now() + from * DAY),
    notAfter: new Date(Date.now() + until * DAY),
    publicKey: keys.publicKey,
    signingKey: (by?.keys ?? keys).privateKey,
    signingAlgorithm: EC,
    extensions: isAuthority
      ? [new BasicConstraintsExtension(true, 2, true)]
      : [new SubjectAlternativeNameExtension([{ type: "dns", value: name }])],
  };
  const made = await X509CertificateGenerator.create(
    wanted as unknown as Created,
    webcrypto as Parameters<typeof X509CertificateGenerator.create>[1],
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const key = `-----BEGIN PRIVATE KEY-----\n${pkcs8.replaceAll(/.{64}/g, "$&\n").trimEnd()}\n-----END PRIVATE KEY-----\n`;
  return { name, certificate: `${made.toString("pem")}\n`, key, keys };
}

/** Writes a pair as operators do, the key readable by its owner alone. */
export function writePair(files: TlsFiles, { certificate, key }: Pick<Certified, "certificate" | "key">): void {
  writeFileSync(files.key_file, key, { mode: 0o600 });
  writeFileSync(files.cert_file, certificate);
}
