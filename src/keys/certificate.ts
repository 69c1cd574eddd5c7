// @peculiar/x509 wants this package loaded before it is.
// oxlint-disable-next-line import/no-unassigned-import
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import { X509CertificateGenerator } from "@peculiar/x509";
import type { World } from "../kernel/index.ts";

/** A key that signs SAML messages, with the certificate that publishes it. Both PEM. */
export interface SamlKey {
  readonly privateKey: string;
  readonly certificate: string;
}

type CertificateKeys = Parameters<typeof X509CertificateGenerator.createSelfSigned>[0]["keys"];

const YEARS = 10 * 365 * 86_400_000;
const RSA = {
  name: "RSASSA-PKCS1-v1_5",
  hash: "SHA-256",
  publicExponent: new Uint8Array([1, 0, 1]),
  modulusLength: 2048,
};

/** RSA-2048 with a self-signed certificate: SAML peers compare it as it is and look neither at its name nor at its end. */
export async function makeSamlKey({ clock, random }: World, commonName: string): Promise<SamlKey> {
  const keys = await webcrypto.subtle.generateKey(RSA, true, ["sign", "verify"]);
  const now = clock.now();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: `0${Buffer.from(random.bytes(15)).toString("hex")}`,
      name: [{ CN: [commonName] }],
      notBefore: new Date(now - 86_400_000),
      notAfter: new Date(now + YEARS),
      keys: keys as unknown as CertificateKeys,
      signingAlgorithm: RSA,
    },
    webcrypto as Parameters<typeof X509CertificateGenerator.createSelfSigned>[1],
  );
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey("pkcs8", keys.privateKey)).toString("base64");
  const body = pkcs8.replaceAll(/.{64}/g, "$&\n").trimEnd();
  return {
    privateKey: `-----BEGIN PRIVATE KEY-----\n${body}\n-----END PRIVATE KEY-----\n`,
    certificate: certificate.toString("pem"),
  };
}
