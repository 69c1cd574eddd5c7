import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { type Document, isMap, isScalar, LineCounter, parseDocument, type YAMLError } from "yaml";
import type { z } from "zod";
import { type Environment, expand } from "./expand.ts";
import type { Finding, Path } from "./finding.ts";
import { suggest } from "./suggest.ts";

/** One thing wrong with a configuration: where it stands, what is wrong, what would be right. */
export interface ConfigFault {
  readonly file: string;
  /** 1-based; 0 when no place can be named. */
  readonly line: number;
  /** 1-based; 0 when no place can be named. */
  readonly column: number;
  readonly path: string;
  readonly message: string;
  readonly suggestion: string | undefined;
}

/** A file of the configuration that was read, with what is needed to name places in it. */
export interface Source {
  readonly file: string;
  /** The secret files it names. */
  readonly secretFiles: readonly string[];
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
  // A warning of the parser is a thing it did not understand, such as a tag.
  const errors = [...document.errors, ...document.warnings];
  if (errors.length > 0) return errors.map((error) => parserFault(error, file, lines));
  const { findings, files: secretFiles } = expand(document, environment, dirname(file));
  let value: unknown;
  try {
    value = document.toJS() ?? {};
  } catch {
    return [plainFault(file, "an alias (*name) has no anchor (&name), or there are too many of them")];
  }
  return {
    file,
    secretFiles,
    value,
    findings,
    faultOf: ({ path, message, suggestion }) => ({
      file,
      ...placeIn(document, path, lines),
      path: pathText(path),
      message,
      suggestion,
    }),
  };
}

/** A fault of a file as a whole. */
export function plainFault(file: string, message: string): ConfigFault {
  return { file, line: 0, column: 0, path: "", message, suggestion: undefined };
}

function parserFault(error: YAMLError, file: string, lines: LineCounter): ConfigFault {
  const { line, col } = lines.linePos(error.pos[0]);
  const place = { ...plainFault(file, ""), line, column: col };
  if (error.code === "MULTIPLE_DOCS") return { ...place, message: "a second document begins here; one file holds one" };
  const message = error.message.replace(/ at line \d+, column \d+:[^]*$/, "");
  return error.code === "BLOCK_AS_IMPLICIT_KEY"
    ? { ...place, message, suggestion: 'a value that ends in a colon needs quotes, as in "memory:"' }
    : { ...place, message };
}

/** What the schema found, below `at`. */
export function explain(error: z.ZodError, at: Path = [], schemaPlace: Path = []): readonly Finding[] {
  return error.issues.flatMap((issue): Finding[] => {
    const path = [...at, ...issue.path];
    if (issue.code !== "unrecognized_keys")
      return [{ path, message: issue.message.replace(/^Invalid input: (.+), received undefined$/, "is missing ($1)") }];
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: `unknown key "${key}"`,
      suggestion: suggest(key, [...schemaPlace, ...issue.path]),
    }));
  });
}

/** Where the last part of a path that exists stands: its key, or the item of a list. */
function placeIn(document: Document, path: Path, lines: LineCounter): { line: number; column: number } {
  for (let length = path.length; length > 0; length -= 1) {
    const parent = length === 1 ? document.contents : document.getIn(path.slice(0, length - 1), true);
    const last = String(path[length - 1]);
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && String(item.key.value) === last)
      : undefined;
    const node = pair?.key ?? document.getIn(path.slice(0, length), true);
    const range = (node as { range?: readonly number[] } | undefined)?.range;
    if (range?.[0] === undefined) continue;
    const { line, col } = lines.linePos(range[0]);
    return { line, column: col };
  }
  return path.length === 0 ? { line: 0, column: 0 } : { line: 1, column: 1 };
}

function pathText(path: Path): string {
  return path
    .map((part, position) => (typeof part === "number" ? `[${part}]` : `${position === 0 ? "" : "."}${String(part)}`))
    .join("");
}
