import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { type Document, isMap, isPair, isScalar, isSeq, type Pair, visit } from "yaml";
import type { Finding, Path } from "./finding.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const VARIABLE = /\$\{ENV:([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** `${ENV:NAME}` anywhere in a text, and `client_secret_file: path` for `client_secret`. What a secret file holds is taken as it is. */
export function expand(document: Document, environment: Environment, folder: string): Finding[] {
  const findings: Finding[] = [];
  const files: { readonly pair: Pair; readonly path: Path; readonly hasBoth: boolean }[] = [];
  visit(document, {
    Pair(_key, pair, ancestors) {
      if (!isScalar(pair.key) || pair.key.value !== "client_secret_file") return;
      const map = ancestors.at(-1);
      const hasBoth = isMap(map) && map.has("client_secret");
      files.push({ pair, path: placeOf([...ancestors, pair]), hasBoth });
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
  return [...findings, ...files.flatMap((file) => readSecret(file, folder))];
}

function readSecret(
  { pair, path, hasBoth }: { readonly pair: Pair; readonly path: Path; readonly hasBoth: boolean },
  folder: string,
): Finding[] {
  if (hasBoth) return [{ path, message: "stands beside client_secret; keep one of them" }];
  if (!isScalar(pair.key) || !isScalar(pair.value) || typeof pair.value.value !== "string")
    return [{ path, message: "must be the path of a file" }];
  const file = pair.value.value;
  try {
    pair.value.value = readFileSync(resolve(folder, file), "utf8").trimEnd();
    pair.key.value = "client_secret";
    return [];
  } catch {
    return [{ path, message: `the secret file ${file} cannot be read` }];
  }
}

/** The path of a node from the nodes above it. */
function placeOf(nodes: readonly unknown[]): Path {
  return nodes.flatMap((node, depth): PropertyKey[] => {
    if (isPair(node) && isScalar(node.key)) return [String(node.key.value)];
    return isSeq(node) ? [node.items.indexOf(nodes[depth + 1])] : [];
  });
}
