import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import { failure, type Result, success } from "../kernel/index.ts";
import { crossCheck } from "./cross-check.ts";
import type { Finding, Path } from "./finding.ts";
import { type Config, configSchema } from "./schema.ts";
import { suggest } from "./suggest.ts";

/** One thing wrong with a configuration: where it stands, what is wrong, what would be right. */
export interface ConfigFault {
  readonly file: string;
  /** 1-based; 0 when no place can be named. */
  readonly line: number;
  readonly path: string;
  readonly message: string;
  readonly suggestion: string | undefined;
}

/** Reads, expands and checks a configuration file; all faults at once. Relative paths in it start at its own folder. */
export function loadConfig(
  file: string,
  environment: Readonly<Record<string, string | undefined>>,
): Result<Config, readonly ConfigFault[]> {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const reason =
      cause instanceof Error && "code" in cause && cause.code === "ENOENT"
        ? "there is no such file"
        : "the file cannot be read";
    return failure([{ file, line: 0, path: "", message: reason, suggestion: undefined }]);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    return failure(
      document.errors.map((error) => ({
        file,
        line: lines.linePos(error.pos[0]).line,
        path: "",
        message: error.message.split("\n")[0] ?? "",
        suggestion: undefined,
      })),
    );
  }
  const findings = expand(document, environment, dirname(file));
  const parsed = configSchema.safeParse(document.toJS() ?? {});
  if (parsed.success) {
    const config = absolute(parsed.data, dirname(resolve(file)));
    findings.push(...crossCheck(config));
    if (findings.length === 0) return success(config);
  } else {
    findings.push(...parsed.error.issues.flatMap(explain));
  }
  return failure(findings.map((finding) => located(finding, { file, document, lines })));
}

/** `${ENV:NAME}` anywhere in a text, and `client_secret_file: path` for `client_secret`. */
function expand(
  document: Document,
  environment: Readonly<Record<string, string | undefined>>,
  folder: string,
): Finding[] {
  const findings: Finding[] = [];
  visit(document, {
    Pair(_key, pair, ancestors) {
      if (!isScalar(pair.key) || pair.key.value !== "client_secret_file" || !isScalar(pair.value)) return;
      const file = String(pair.value.value);
      try {
        pair.value.value = readFileSync(resolve(folder, file), "utf8").trimEnd();
        pair.key.value = "client_secret";
      } catch {
        findings.push({ path: placeOf([...ancestors, pair]), message: `the secret file ${file} cannot be read` });
      }
    },
    Scalar(key, node, ancestors) {
      if (typeof node.value !== "string" || key === "key") return;
      node.value = node.value.replaceAll(/\$\{ENV:([A-Za-z_][A-Za-z0-9_]*)\}/g, (_match, name: string) => {
        const value = environment[name];
        if (value === undefined) {
          findings.push({
            path: placeOf([...ancestors, node]),
            message: `the environment variable ${name} is not set`,
          });
        }
        return value ?? "";
      });
    },
  });
  return findings;
}

/** The path of a node from the nodes above it. */
function placeOf(nodes: readonly unknown[]): Path {
  return nodes.flatMap((node, depth): PropertyKey[] => {
    if (isPair(node) && isScalar(node.key)) return [String(node.key.value)];
    return isSeq(node) ? [node.items.indexOf(nodes[depth + 1])] : [];
  });
}

type Issue = NonNullable<ReturnType<typeof configSchema.safeParse>["error"]>["issues"][number];

function explain(issue: Issue): Finding[] {
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: `unknown key "${key}"`,
      suggestion: suggest(key, issue.path),
    }));
  }
  return [{ path: issue.path, message: issue.message }];
}

function located(finding: Finding, at: { file: string; document: Document; lines: LineCounter }): ConfigFault {
  const { path, message, suggestion } = finding;
  return { file: at.file, line: lineOf(path, at.document, at.lines), path: pathText(path), message, suggestion };
}

function lineOf(path: Path, document: Document, lines: LineCounter): number {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    const pair = isMap(parent) ? parent.items.find((item) => isScalar(item.key) && item.key.value === last) : undefined;
    const node = pair?.key ?? document.getIn(path.slice(0, length), true);
    const range = (node as { range?: readonly number[] } | undefined)?.range;
    if (range?.[0] !== undefined) return lines.linePos(range[0]).line;
  }
  return path.length === 0 ? 0 : 1;
}

export function pathText(path: Path): string {
  return path
    .map((part, position) => (typeof part === "number" ? `[${part}]` : `${position === 0 ? "" : "."}${String(part)}`))
    .join("");
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
