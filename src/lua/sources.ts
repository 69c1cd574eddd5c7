import { readFileSync, type Stats, statSync } from "node:fs";

/** Lua files by path as they were read; `null`: looked for, and not there. */
export type Sources = ReadonlyMap<string, string | null>;

/** Nothing can interrupt the parser. */
const LARGEST = 262_144;

/** How many files are kept and watched: a script may look for as many names as it likes. */
const FILES = 1_000;

/** A Lua file, a character for each byte; `null` when there is none. @throws Error that names a file that is too large. */
export function readSource(path: string): string | null {
  const found = statOf(path);
  if (found?.isFile() !== true) return null;
  if (found.size > LARGEST) throw new Error(`${path} has over 256 KB, which is the most a Lua file may have`);
  return readFileSync(path, "latin1");
}

/**
 * Reads for one thread, each file once: all threads of a version run the same text.
 * @param known what an earlier thread of the version read.
 * @param report told of what was read and is to be watched.
 */
export function createReader(
  known: Sources,
  report: (path: string, text: string | null) => void,
): (path: string) => string | null {
  const texts = new Map(known);
  const keep = (path: string, text: string | null): void => {
    if (texts.size >= FILES) return;
    texts.set(path, text);
    report(path, text);
  };
  return (path) => {
    const text = texts.get(path);
    if (text !== undefined) return text;
    try {
      const read = readSource(path);
      keep(path, read);
      return read;
    } catch (error) {
      report(path, null);
      throw error;
    }
  };
}

/** Looks at files again and again; reads only those whose size or time changed since the last look. */
export interface SourceWatch {
  /** What the files hold now. One that cannot be read counts as not there. */
  readonly now: (paths: Iterable<string>) => Sources;
  readonly isSame: (sources: Sources) => boolean;
}

export function watchSources(): SourceWatch {
  const seen = new Map<string, { readonly trace: string; readonly text: string | null }>();
  const look = (path: string): string | null => {
    const found = statOf(path);
    const trace = found === undefined ? "" : `${found.ino} ${found.size} ${found.mtimeMs}`;
    const before = seen.get(path);
    if (before?.trace === trace) return before.text;
    const text = readable(path);
    seen.set(path, { trace, text });
    return text;
  };
  return {
    now: (paths) => new Map(Array.from(paths, (path) => [path, look(path)])),
    isSame: (sources) => [...sources].every(([path, text]) => look(path) === text),
  };
}

function readable(path: string): string | null {
  try {
    return readSource(path);
  } catch {
    return null;
  }
}

/** A name that no file can have is one that none has. */
function statOf(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}
