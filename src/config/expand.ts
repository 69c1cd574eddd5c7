import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Document, isMap, isPair, isScalar, isSeq, type Pair, visit } from "yaml";
import type { Finding, Path } from "./finding.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const VARIABLE = /\$\{ENV:([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** Keys that may stand in a file of their own: with `_file` at the end, the file's content takes their place. */
const FILED: ReadonlySet<string> = new Set(["client_secret", "sealing_key", "token"]);

export interface Expanded {
  /** What could not be expanded. */
  readonly findings: readonly Finding[];
  /** The secret files that were named, whether they could be read or not. */
  readonly files: readonly string[];
}

/** `${ENV:NAME}` anywhere in a text, and such as `client_secret_file: path` for `client_secret`. What a secret file holds is taken as it is. */
export function expand(document: Document, environment: Environment, folder: string): Expanded {
  const findings: Finding[] = [];
  const files: Filed[] = [];
  visit(document, {
    Pair(_key, pair, ancestors) {
      const name = isScalar(pair.key) ? String(pair.key.value).replace(/_file$/, "") : "";
      if (!isScalar(pair.key) || pair.key.value !== `${name}_file` || !FILED.has(name)) return;
      const map = ancestors.at(-1);
      const hasBoth = isMap(map) && map.has(name);
      files.push({ pair, name, path: placeOf([...ancestors, pair]), hasBoth });
    },
    Scalar(key, node, ancestors) {
      if (typeof node.value !== "string" || key === "key") return;
      node.value = node.value.replaceAll(VARIABLE, (_match, name: string) => {
        const value = environment[name];
        const path = placeOf([...ancestors, node]);
        if (value === undefined) findings.push({ path, message: `the environment variable ${name} is not set` });
        return value ?? "";
      });
    },
  });
  // After the variables: a secret that looks like one stays what it is, and a variable may name the file.
  const named = files.map((file) => pathOf(file, folder));
  return {
    findings: [...findings, ...files.flatMap((file, index) => readSecret(file, named[index]))],
    files: named.filter((path) => path !== undefined),
  };
}

interface Filed {
  readonly pair: Pair;
  /** The key the content is for. */
  readonly name: string;
  readonly path: Path;
  readonly hasBoth: boolean;
}

function pathOf({ pair: { value } }: Filed, folder: string): string | undefined {
  return isScalar(value) && typeof value.value === "string" ? resolve(folder, value.value) : undefined;
}

function readSecret({ pair, name, path, hasBoth }: Filed, file: string | undefined): Finding[] {
  if (hasBoth) return [{ path, message: `stands beside ${name}; keep one of them` }];
  if (!isScalar(pair.key) || !isScalar(pair.value) || file === undefined)
    return [{ path, message: "must be the path of a file" }];
  const asWritten = String(pair.value.value);
  try {
    pair.value.value = readFileSync(file, "utf8").trimEnd();
    pair.key.value = name;
    return [];
  } catch {
    return [{ path, message: `the secret file ${asWritten} cannot be read` }];
  }
}

/** The path of a node from the nodes above it. */
function placeOf(nodes: readonly unknown[]): Path {
  return nodes.flatMap((node, depth): PropertyKey[] => {
    if (isPair(node) && isScalar(node.key)) return [String(node.key.value)];
    return isSeq(node) ? [node.items.indexOf(nodes[depth + 1])] : [];
  });
}
