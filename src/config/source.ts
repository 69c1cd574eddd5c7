import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { type Document, isMap, isPair, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import type { z } from "zod";
import type { Finding, Path } from "./finding.ts";
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

export type Environment = Readonly<Record<string, string | undefined>>;

/** A file of the configuration that was read, with what is needed to name places in it. */
export interface Source {
  readonly file: string;
  readonly value: unknown;
  /** What could not be expanded. */
  readonly findings: readonly Finding[];
  faultOf(finding: Finding): ConfigFault;
}

/** Reads a YAML (or JSON) file and expands `${ENV:NAME}` and `client_secret_file`. A list of faults: it is no YAML at all. */
export function openSource(file: string, environment: Environment): Source | readonly ConfigFault[] {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (cause) {
    const isAbsent = cause instanceof Error && "code" in cause && cause.code === "ENOENT";
    return [plainFault(file, isAbsent ? "there is no such file" : "the file cannot be read")];
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true });
  if (document.errors.length > 0) {
    return document.errors.map((error) => ({
      ...plainFault(file, error.message.split("\n")[0] ?? ""),
      line: lines.linePos(error.pos[0]).line,
    }));
  }
  const findings = expand(document, environment, dirname(file));
  return {
    file,
    value: document.toJS() ?? {},
    findings,
    faultOf: ({ path, message, suggestion }) => ({
      file,
      line: lineOf(path, document, lines),
      path: pathText(path),
      message,
      suggestion,
    }),
  };
}

/** A fault of a file as a whole. */
export function plainFault(file: string, message: string): ConfigFault {
  return { file, line: 0, path: "", message, suggestion: undefined };
}

/** What the schema found, below `at`. */
export function explain(error: z.ZodError, at: Path = [], schemaPlace: Path = []): readonly Finding[] {
  return error.issues.flatMap((issue): Finding[] => {
    const path = [...at, ...issue.path];
    if (issue.code !== "unrecognized_keys") return [{ path, message: issue.message }];
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown key "${key}"`,
      suggestion: suggest(key, [...schemaPlace, ...issue.path]),
    }));
  });
}

/** `${ENV:NAME}` anywhere in a text, and `client_secret_file: path` for `client_secret`. */
function expand(document: Document, environment: Environment, folder: string): Finding[] {
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

function pathText(path: Path): string {
  return path
    .map((part, position) => (typeof part === "number" ? `[${part}]` : `${position === 0 ? "" : "."}${String(part)}`))
    .join("");
}
