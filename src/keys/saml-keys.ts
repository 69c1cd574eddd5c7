import { X509Certificate } from "node:crypto";
import type { World } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import { makeSamlKey, type SamlKey } from "./certificate.ts";

/** A SAML certificate as an operator sees it. */
export interface SamlCertificate {
  /** The beginning of its SHA-256 fingerprint: enough to name it. */
  readonly id: string;
  readonly subject: string;
  readonly notAfter: string;
  readonly isActive: boolean;
  readonly pem: string;
}

const KIND = "key";
const ID = "saml";

/** What became of a change: the list afterwards, or why there was none. */
export type CertificateChange =
  | { readonly code: "changed"; readonly certificates: readonly SamlCertificate[] }
  | { readonly code: "unknown" | "active" | "busy" };

/** The certificates in the order in which metadata names them; the first one signs. */
export async function listSamlCertificates(store: Store): Promise<readonly SamlCertificate[]> {
  return describe(await readSamlKeys(store));
}

/** Publishes one more certificate. It signs nothing until it is activated: service providers learn of it first. */
export async function addSamlCertificate(store: Store, world: World, commonName: string): Promise<CertificateChange> {
  const made = await makeSamlKey(world, commonName);
  return change(store, (keys) => [...keys, made]);
}

/** Signs with this certificate from now on; the others stay published. Running programs follow within seconds. */
export function activateSamlCertificate(store: Store, id: string): Promise<CertificateChange> {
  return change(store, (keys) => {
    const chosen = keys.find((key) => idOf(key) === id);
    return chosen === undefined ? "unknown" : [chosen, ...keys.filter((key) => key !== chosen)];
  });
}

/** Withdraws a certificate; never the one that signs. */
export function removeSamlCertificate(store: Store, id: string): Promise<CertificateChange> {
  return change(store, (keys) => {
    const index = keys.findIndex((key) => idOf(key) === id);
    if (index === -1) return "unknown";
    return index === 0 ? "active" : keys.toSpliced(index, 1);
  });
}

/** Keys with their certificates, the signing one first. */
export async function readSamlKeys(store: Store): Promise<readonly SamlKey[]> {
  const record = await store.get(KIND, ID);
  return (record?.value["keys"] ?? []) as readonly SamlKey[];
}

/** Compare-and-swap: of two operators at once the second is told to look again. */
async function change(
  store: Store,
  decide: (keys: readonly SamlKey[]) => readonly SamlKey[] | "unknown" | "active",
): Promise<CertificateChange> {
  const record = await store.get(KIND, ID);
  const next = decide((record?.value["keys"] ?? []) as readonly SamlKey[]);
  if (typeof next === "string") return { code: next };
  const isDone =
    record === undefined
      ? await store.create(KIND, ID, { keys: next })
      : await store.replace(KIND, ID, record.version, { keys: next });
  return isDone ? { code: "changed", certificates: describe(next) } : { code: "busy" };
}

function idOf({ certificate }: SamlKey): string {
  return new X509Certificate(certificate).fingerprint256.replaceAll(":", "").slice(0, 16).toLowerCase();
}

function describe(keys: readonly SamlKey[]): readonly SamlCertificate[] {
  return keys.map((key, index) => {
    const { subject, validToDate } = new X509Certificate(key.certificate);
    return { id: idOf(key), subject, notAfter: validToDate.toISOString(), isActive: index === 0, pem: key.certificate };
  });
}
