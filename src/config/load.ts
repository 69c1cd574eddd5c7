import { dirname, resolve } from "node:path";
import { failure, type Result, success } from "../kernel/index.ts";
import { type FiledClient, readClientFiles } from "./client-files.ts";
import { crossCheck } from "./cross-check.ts";
import type { Finding } from "./finding.ts";
import { type Config, configSchema } from "./schema.ts";
import { type ConfigFault, type Environment, explain, openSource, type Source } from "./source.ts";

/** Reads, expands and checks a configuration with its client files; all faults at once. Relative paths start at the file's folder. */
export function loadConfig(file: string, environment: Environment): Result<Config, readonly ConfigFault[]> {
  const source = openSource(file, environment);
  if (!("faultOf" in source)) return failure(source);
  const folder = dirname(resolve(file));
  const parsed = configSchema.safeParse(source.value);
  const faults = source.findings.map((finding) => source.faultOf(finding));
  if (!parsed.success) return failure([...faults, ...explain(parsed.error).map((finding) => source.faultOf(finding))]);

  const filed = readClientFiles(parsed.data.oidc.clients_from, folder, environment);
  const own = parsed.data.oidc.clients;
  const clients = [...own, ...filed.clients.map(({ client }) => client)];
  const config = absolute({ ...parsed.data, oidc: { ...parsed.data.oidc, clients } }, folder);
  const crossed = crossCheck(config).map((finding) =>
    faultAt(finding, { source, filed: filed.clients, own: own.length }),
  );
  const all = [...faults, ...filed.faults, ...crossed];
  return all.length === 0 ? success(config) : failure(all);
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
    store: withScheme("sqlite:")(config.store),
    lua: {
      ...config.lua,
      backends: config.lua.backends.map((backend) => ({
        ...backend,
        script: at(backend.script),
        package_path: backend.package_path.map(at),
        allow: {
          ...backend.allow,
          databases: backend.allow.databases.map(withScheme("sqlite3:")),
        },
      })),
    },
    ui: { ...config.ui, logo: config.ui.logo === undefined ? undefined : at(config.ui.logo) },
    observability: { ...config.observability, audit: audit.file === undefined ? audit : { file: at(audit.file) } },
  };
}
