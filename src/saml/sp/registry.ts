import { X509Certificate } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Clock } from "../../kernel/index.ts";
import type { Store } from "../../store/index.ts";
import type { Logger } from "../../telemetry/index.ts";
import type { Schemas } from "../xml/schema.ts";
import { parseMetadata } from "./metadata.ts";
import type { ServiceProvider, ServiceProviders, SpSettings } from "./model.ts";

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
      readonly certificates: readonly string[];
    };

export interface RegistryDeps {
  readonly entries: readonly SpEntry[];
  readonly schemas: Schemas;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Reads a metadata address; rejects on anything but a document. */
  readonly fetchText: (url: string) => Promise<string>;
  /** Milliseconds between two readings of an address. */
  readonly refreshUrls: number;
}

export interface Registry extends ServiceProviders {
  /** Reads again what changed or is due. Cheap when nothing did; broken documents leave the last good ones in use. */
  refresh(): Promise<void>;
  /** Sources that could not be read the last time, for readiness. */
  failing(): readonly string[];
}

/** A source in use. */
interface Loaded {
  readonly providers: readonly ServiceProvider[];
  readonly validUntil: number | undefined;
}

const KIND = "saml.metadata";

/** Loads every entry; a source that was good once is still used from the store when it cannot be read now. */
export async function openRegistry(deps: RegistryDeps): Promise<Registry> {
  const loaded = new Map<string, Loaded>();
  const stamps = new Map<string, string>();
  const failing = new Set<string>();
  const written = deps.entries.flatMap((entry) => (entry.kind === "written" ? [providerOf(entry)] : []));

  const apply = async (source: Source, document: string): Promise<boolean> => {
    const parsed = parseMetadata(document, source.entry.settings, {
      schemas: deps.schemas,
      now: deps.clock.now(),
      name: source.entry.name,
    });
    if (!parsed.ok) {
      deps.logger.error("SAML metadata could not be used; the last good copy stays.", {
        source: source.key,
        because: parsed.problem,
      });
      return false;
    }
    loaded.set(source.key, parsed.value);
    await deps.store.put(KIND, source.key, { document });
    return true;
  };

  const read = async (source: Source): Promise<void> => {
    const stamp = stampOf(source, deps);
    if (stamp === stamps.get(source.key)) return;
    stamps.set(source.key, stamp);
    const document = await contentOf(source, deps).catch((cause: unknown) => {
      deps.logger.error("SAML metadata could not be read; the last good copy stays.", { source: source.key, cause });
    });
    const isGood = document !== undefined && (await apply(source, document));
    if (isGood) failing.delete(source.key);
    else await keepLastGood(source);
  };

  const keepLastGood = async (source: Source): Promise<void> => {
    failing.add(source.key);
    if (loaded.has(source.key)) return;
    const kept = (await deps.store.get(KIND, source.key))?.value["document"];
    if (typeof kept !== "string") return;
    const parsed = parseMetadata(kept, source.entry.settings, {
      schemas: deps.schemas,
      now: deps.clock.now(),
      name: source.entry.name,
    });
    if (parsed.ok) loaded.set(source.key, parsed.value);
  };

  const refresh = async (): Promise<void> => {
    const sources = deps.entries.flatMap(sourcesOf);
    const keys = new Set(sources.map(({ key }) => key));
    for (const key of loaded.keys()) if (!keys.has(key)) loaded.delete(key);
    for (const source of sources) await read(source);
  };

  await refresh();
  const current = (): readonly ServiceProvider[] => {
    const now = deps.clock.now();
    return [
      ...written,
      ...[...loaded.values()].flatMap(({ providers, validUntil }) =>
        validUntil === undefined || validUntil > now ? providers : [],
      ),
    ];
  };
  return {
    refresh,
    failing: () => [...failing],
    all: current,
    find: (entityId) => current().find((sp) => sp.entityId === entityId),
  };
}

interface Source {
  /** Path or address. */
  readonly key: string;
  readonly entry: Extract<SpEntry, { kind: "metadata" }>;
}

function isAddress(source: string): boolean {
  return /^https?:/.test(source);
}

/** The documents an entry stands for: an address, a file, or the `*.xml` of a folder. */
function sourcesOf(entry: SpEntry): readonly Source[] {
  if (entry.kind !== "metadata") return [];
  if (isAddress(entry.source) || statSync(entry.source, { throwIfNoEntry: false })?.isDirectory() !== true)
    return [{ key: entry.source, entry }];
  const names = readdirSync(entry.source).filter((name) => /^[^.].*\.xml$/.test(name));
  return names.toSorted().map((name) => ({ key: join(entry.source, name), entry }));
}

/** Changes when the source has to be read again. */
function stampOf({ key }: Source, { clock, refreshUrls }: RegistryDeps): string {
  if (isAddress(key)) return String(Math.floor(clock.now() / refreshUrls));
  const found = statSync(key, { throwIfNoEntry: false });
  return found === undefined ? "missing" : `${found.mtimeMs}:${found.size}:${found.ino}`;
}

async function contentOf({ key }: Source, { fetchText }: RegistryDeps): Promise<string> {
  return isAddress(key) ? fetchText(key) : readFileSync(key, "utf8");
}

function providerOf({ provider, certificates }: Extract<SpEntry, { kind: "written" }>): ServiceProvider {
  const read = certificates.map((pem) => new X509Certificate(pem));
  return {
    ...provider,
    signingKeys: read.map(({ publicKey }) => publicKey),
    encryptionCertificate: read[0]?.toString(),
  };
}
