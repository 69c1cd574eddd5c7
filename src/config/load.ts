import { dirname, resolve } from "node:path";
import { failure, type Result, success } from "../kernel/index.ts";
import { type FiledClient, readClientFiles } from "./client-files.ts";
import { crossCheck } from "./cross-check.ts";
import type { Environment } from "./expand.ts";
import { type Finding, type Path, unlessNoted } from "./finding.ts";
import { type Config, configSchema } from "./schema.ts";
import { type ConfigFault, explain, openSource, type Source } from "./source.ts";

/** What was made of a configuration, and every single file that was read for it. */
export interface ConfigReading {
  readonly result: Result<Config, readonly ConfigFault[]>;
  /** The file itself and the secret files; not the client files, whose folders are read as a whole. */
  readonly files: readonly string[];
}

/** As {@link readConfig}, without the files. */
export function loadConfig(file: string, environment: Environment): Result<Config, readonly ConfigFault[]> {
  return readConfig(file, environment).result;
}

/**
 * Reads, expands and checks a configuration with its client files; all faults at once, also those that only show once the others are
 * mended, as far as they can be told. Relative paths start at the file's folder.
 */
export function readConfig(file: string, environment: Environment): ConfigReading {
  const source = openSource(file, environment);
  if (!("faultOf" in source)) return { result: failure(source), files: [file] };
  const own = [file, ...source.secretFiles];
  const folder = dirname(resolve(file));
  const { config: parsed, findings: schemaFindings } = parse(source.value);
  const noted = [...source.findings, ...unlessNoted(schemaFindings, source.findings)];
  const faults = noted.map((finding) => source.faultOf(finding));
  if (parsed === undefined) return { result: failure(inOrder(faults)), files: own };

  const filed = readClientFiles(parsed.oidc.clients_from, folder, environment);
  const listed = parsed.oidc.clients;
  const clients = [...listed, ...filed.clients.map(({ client }) => client)];
  const config = absolute({ ...parsed, oidc: { ...parsed.oidc, clients } }, folder);
  const crossed = unlessNoted(crossCheck(config), noted).map((finding) =>
    faultAt(finding, { source, filed: filed.clients, own: listed.length }),
  );
  const all = [...faults, ...filed.faults, ...crossed];
  const files = [...own, ...filed.secretFiles];
  return { result: all.length === 0 ? success(config) : failure(inOrder(all)), files };
}

/** As a reader meets them: file by file, from the top. */
function inOrder(faults: readonly ConfigFault[]): readonly ConfigFault[] {
  const files = [...new Set(faults.map(({ file }) => file))];
  return faults.toSorted(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}

interface Parsed {
  /** Absent when too much is wrong to look further. With findings it is only fit for finding more of them. */
  readonly config: Config | undefined;
  readonly findings: readonly Finding[];
}

/** The schema's judgement; beside faults, what the file would say without the keys they name, or without their sections. */
function parse(value: unknown): Parsed {
  const parsed = configSchema.safeParse(value);
  if (parsed.success) return { config: parsed.data, findings: [] };
  const findings = explain(parsed.error);
  const paths = findings.map(({ path }) => path);
  const rest = [paths, paths.map((path) => path.slice(0, 1))].map((faulty) =>
    configSchema.safeParse(without(value, faulty)),
  );
  return { config: rest.find(({ success: isSound }) => isSound)?.data, findings };
}

/** A copy without the keys at these paths. For an item of a list its whole list goes, so that no other item changes its place. */
function without(value: unknown, paths: readonly Path[]): unknown {
  const copy: unknown = structuredClone(value);
  for (const path of paths) {
    const length = path.findLastIndex((part) => typeof part !== "number");
    const parent = path.slice(0, length).reduce<unknown>((at, key) => (isObject(at) ? at[key] : undefined), copy);
    const key = path[length];
    if (isObject(parent) && key !== undefined) Reflect.deleteProperty(parent, key);
  }
  return copy;
}

function isObject(value: unknown): value is Readonly<Record<PropertyKey, unknown>> {
  return typeof value === "object" && value !== null;
}

interface Places {
  readonly source: Source;
  readonly filed: readonly FiledClient[];
  /** How many clients stand in the main file. */
  readonly own: number;
}

/** A finding about a client of a client file is named at its place there. */
function faultAt(finding: Finding, { source, filed, own }: Places): ConfigFault {
  const [section, list, index, ...rest] = finding.path;
  const place = section === "oidc" && list === "clients" && typeof index === "number" ? filed[index - own] : undefined;
  return place === undefined
    ? source.faultOf(finding)
    : place.source.faultOf({ ...finding, path: [...place.at, ...rest] });
}

/** Paths in the file start at its folder, wherever the program was started. */
function absolute(config: Config, folder: string): Config {
  const at = (path: string): string => resolve(folder, path);
  const withScheme = (scheme: string) => (location: string) =>
    location.startsWith(scheme) ? scheme + at(location.slice(scheme.length)) : location;
  const { audit } = config.observability;
  return {
    ...config,
    issuer: config.issuer.replace(/\/$/, ""),
    server: {
      ...config.server,
      listen: config.server.listen.map(({ tls, ...address }) =>
        tls === undefined ? address : { ...address, tls: { cert_file: at(tls.cert_file), key_file: at(tls.key_file) } },
      ),
    },
    store: withScheme("sqlite:")(config.store),
    lua: {
      ...config.lua,
      backends: config.lua.backends.map((backend) => ({
        ...backend,
        script: at(backend.script),
        init: backend.init.map(at),
        package_path: backend.package_path.map(at),
        allow: {
          ...backend.allow,
          databases: backend.allow.databases.map(withScheme("sqlite3:")),
          files: backend.allow.files.map(at),
          ca_file: backend.allow.ca_file === undefined ? undefined : at(backend.allow.ca_file),
          redis: withCaFiles(backend.allow.redis, at),
          ldap: withCaFiles(backend.allow.ldap, at),
        },
      })),
    },
    saml:
      config.saml === undefined
        ? undefined
        : {
            ...config.saml,
            service_providers: config.saml.service_providers.map((sp) => ({
              ...sp,
              metadata: sp.metadata === undefined || /^https?:/.test(sp.metadata) ? sp.metadata : at(sp.metadata),
              certificates: sp.certificates.map(at),
            })),
          },
    ui: { ...config.ui, logo: config.ui.logo === undefined ? undefined : at(config.ui.logo) },
    observability: { ...config.observability, audit: audit.file === undefined ? audit : { file: at(audit.file) } },
  };
}

/** Grants of servers with the certificates they are checked by at absolute paths. */
function withCaFiles<Grant extends { readonly ca_file?: string | undefined }>(
  grants: Readonly<Record<string, Grant>>,
  at: (path: string) => string,
): Readonly<Record<string, Grant>> {
  return Object.fromEntries(
    Object.entries(grants).map(([name, grant]) => [
      name,
      grant.ca_file === undefined ? grant : { ...grant, ca_file: at(grant.ca_file) },
    ]),
  );
}
