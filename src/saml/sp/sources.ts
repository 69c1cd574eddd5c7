import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ServiceProvider, SpSettings } from "./model.ts";

/** One entry of `saml.service_providers`, with paths that are absolute. */
export type SpEntry =
  | {
      readonly kind: "metadata";
      readonly source: string;
      readonly name: string | undefined;
      readonly settings: SpSettings;
    }
  | {
      readonly kind: "written";
      readonly provider: Omit<ServiceProvider, "signingKeys" | "encryptionCertificate">;
      /** Paths of PEM files. */
      readonly certificates: readonly string[];
    };

/** A document or an entry that is read, and read again when it changes. */
export interface Source<Entry extends SpEntry = SpEntry> {
  /** Path or address; for a written entry what it is about. */
  readonly key: string;
  readonly entry: Entry;
}

export type MetadataSource = Source<Extract<SpEntry, { kind: "metadata" }>>;

/** The documents an entry stands for: an address, a file, or the `*.xml` of a folder. */
export function sourcesOf(entry: SpEntry): readonly Source[] {
  if (entry.kind === "written") return [{ key: `entity_id ${entry.provider.entityId}`, entry }];
  if (isAddress(entry.source) || statSync(entry.source, { throwIfNoEntry: false })?.isDirectory() !== true)
    return [{ key: entry.source, entry }];
  const names = readdirSync(entry.source).filter((name) => /^[^.].*\.xml$/.test(name));
  return names.toSorted().map((name) => ({ key: join(entry.source, name), entry }));
}

export function isMetadata(source: Source): source is MetadataSource {
  return source.entry.kind === "metadata";
}

/** Changes when the source has to be read again. @param turn counts the readings of an address that are due */
export function stampOf({ key, entry }: Source, turn: number): string {
  const settings = JSON.stringify(entry);
  if (entry.kind === "written") return [settings, ...entry.certificates.map(traceOf)].join("\n");
  return `${settings}\n${isAddress(key) ? turn : traceOf(key)}`;
}

export async function documentOf(
  { key }: MetadataSource,
  fetchText: (url: string) => Promise<string>,
): Promise<string> {
  return isAddress(key) ? fetchText(key) : readFileSync(key, "utf8");
}

/** A written entry with what its certificate files hold. Throws where one cannot be read. */
export function writtenProvider({ provider, certificates }: Extract<SpEntry, { kind: "written" }>): ServiceProvider {
  const read = certificates.map((file) => new X509Certificate(readFileSync(file)));
  return {
    ...provider,
    signingKeys: read.map(({ publicKey }) => publicKey),
    encryptionCertificate: read[0]?.toString(),
  };
}

function isAddress(source: string): boolean {
  return /^https?:/.test(source);
}

function traceOf(path: string): string {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? "missing" : `${found.mtimeMs}:${found.size}:${found.ino}`;
}
