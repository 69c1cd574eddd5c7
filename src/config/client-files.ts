import { readdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { z } from "zod";
import { clientSchema } from "./client-schema.ts";
import type { Environment } from "./expand.ts";
import { type Path, unlessNoted } from "./finding.ts";
import { type ConfigFault, explain, openSource, plainFault, type Source } from "./source.ts";

/** A client from a file of its own, with its place there. */
export interface FiledClient {
  readonly client: z.output<typeof clientSchema>;
  readonly source: Source;
  readonly at: Path;
}

export interface ClientFiles {
  readonly clients: readonly FiledClient[];
  readonly faults: readonly ConfigFault[];
  /** The secret files that the clients name. */
  readonly secretFiles: readonly string[];
}

/** Reads `oidc.clients_from`: files and folders of `*.yaml`, `*.yml` and `*.json`, in each one client or a list. */
export function readClientFiles(entries: readonly string[], folder: string, environment: Environment): ClientFiles {
  const results = entries.map((entry) => filesOf(resolve(folder, entry)));
  const files = results.flatMap((result) => (typeof result === "string" ? [] : result));
  const missing = results.flatMap((result) =>
    typeof result === "string" ? [plainFault(result, "there is no such file or folder")] : [],
  );
  const read = files.map((file) => readFile(file, environment));
  return {
    clients: read.flatMap(({ clients }) => clients),
    faults: [...missing, ...read.flatMap(({ faults }) => faults)],
    secretFiles: read.flatMap(({ secretFiles }) => secretFiles),
  };
}

/** The files an entry stands for, in the order of their names; the entry itself when there is none. */
function filesOf(path: string): readonly string[] | string {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found === undefined) return path;
  if (!found.isDirectory()) return [path];
  const names = readdirSync(path).filter((name) => /^[^.].*\.(?:ya?ml|json)$/.test(name));
  return names.toSorted().map((name) => join(path, name));
}

function readFile(file: string, environment: Environment): ClientFiles {
  const source = openSource(file, environment);
  if (!("faultOf" in source)) return { clients: [], faults: source, secretFiles: [] };
  const isList = Array.isArray(source.value);
  const values: readonly unknown[] = Array.isArray(source.value) ? source.value : [source.value];
  const clients: FiledClient[] = [];
  const faults = source.findings.map((finding) => source.faultOf(finding));
  values.forEach((value, index) => {
    const at: Path = isList ? [index] : [];
    const parsed = clientSchema.safeParse(value);
    if (parsed.success) clients.push({ client: parsed.data, source, at });
    else {
      const found = explain(parsed.error, at, ["oidc", "clients", 0]);
      faults.push(...unlessNoted(found, source.findings).map((finding) => source.faultOf(finding)));
    }
  });
  return { clients, faults, secretFiles: source.secretFiles };
}
