import type { Clock } from "../../kernel/index.ts";
import type { Store } from "../../store/index.ts";
import type { Logger } from "../../telemetry/index.ts";
import type { Schemas } from "../xml/schema.ts";
import { parseMetadata } from "./metadata.ts";
import type { ServiceProvider, ServiceProviders } from "./model.ts";
import {
  documentOf,
  isMetadata,
  type MetadataSource,
  type Source,
  type SpEntry,
  sourcesOf,
  stampOf,
  writtenProvider,
} from "./sources.ts";

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
  /** Reads again what changed or is due. Cheap when nothing did; what is broken leaves the last good one in use. */
  refresh(): Promise<void>;
  /** The operator's entries are these from now on. */
  replace(entries: readonly SpEntry[]): Promise<void>;
  /** Sources that could not be read the last time, for readiness. */
  failing(): readonly string[];
}

/** A source in use. */
interface Loaded {
  readonly providers: readonly ServiceProvider[];
  readonly validUntil: number | undefined;
}

const KIND = "saml.metadata";

/** Loads every entry; a document that was good once is still used from the store when it cannot be read now. */
export async function openRegistry(deps: RegistryDeps): Promise<Registry> {
  const { schemas, store, clock, logger } = deps;
  const state = { entries: deps.entries };
  const loaded = new Map<string, Loaded>();
  const stamps = new Map<string, string>();
  const failing = new Set<string>();

  const parse = ({ entry }: MetadataSource, document: string) =>
    parseMetadata(document, entry.settings, { schemas, now: clock.now(), name: entry.name });

  const readDocument = async (source: MetadataSource): Promise<Loaded | undefined> => {
    const document = await documentOf(source, deps.fetchText).catch((cause: unknown) => {
      logger.error("SAML metadata could not be read; the last good copy stays.", { source: source.key, cause });
    });
    if (document === undefined) return undefined;
    const parsed = parse(source, document);
    if (parsed.ok) {
      await store.put(KIND, source.key, { document });
      return parsed.value;
    }
    const facts = { source: source.key, because: parsed.problem };
    logger.error("SAML metadata could not be used; the last good copy stays.", facts);
    return undefined;
  };

  const readWritten = (key: string, entry: Extract<SpEntry, { kind: "written" }>): Loaded | undefined => {
    try {
      return { providers: [writtenProvider(entry)], validUntil: undefined };
    } catch (cause) {
      logger.error("A certificate of a service provider could not be read; the last good one stays.", {
        source: key,
        files: entry.certificates,
        cause,
      });
      return undefined;
    }
  };

  const lastGood = async (source: Source): Promise<Loaded | undefined> => {
    const kept = isMetadata(source) ? (await store.get(KIND, source.key))?.value["document"] : undefined;
    if (!isMetadata(source) || typeof kept !== "string") return undefined;
    const parsed = parse(source, kept);
    return parsed.ok ? parsed.value : undefined;
  };

  const read = async (source: Source): Promise<void> => {
    const { key, entry } = source;
    const stamp = stampOf(source, Math.floor(clock.now() / deps.refreshUrls));
    if (stamp === stamps.get(key)) return;
    stamps.set(key, stamp);
    const found = isMetadata(source)
      ? await readDocument(source)
      : entry.kind === "written"
        ? readWritten(key, entry)
        : undefined;
    if (found === undefined) failing.add(key);
    else failing.delete(key);
    const kept = found ?? loaded.get(key) ?? (await lastGood(source));
    if (kept !== undefined) loaded.set(key, kept);
  };

  const refresh = async (): Promise<void> => {
    const sources = state.entries.flatMap(sourcesOf);
    const keys = new Set(sources.map(({ key }) => key));
    for (const key of stamps.keys()) {
      if (keys.has(key)) continue;
      stamps.delete(key);
      loaded.delete(key);
      failing.delete(key);
    }
    for (const source of sources) await read(source);
  };

  await refresh();
  const current = (): readonly ServiceProvider[] => {
    const now = clock.now();
    return [...loaded.values()].flatMap(({ providers, validUntil }) =>
      validUntil === undefined || validUntil > now ? providers : [],
    );
  };
  return {
    refresh,
    async replace(entries) {
      state.entries = entries;
      await refresh();
    },
    failing: () => [...failing],
    all: current,
    find: (entityId) => current().find((sp) => sp.entityId === entityId),
  };
}
