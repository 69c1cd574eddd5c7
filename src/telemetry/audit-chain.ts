import { createHash } from "node:crypto";

/** A line that does not follow from the ones before it. */
export interface ChainFault {
  /** Counted from 1. */
  readonly line: number;
  readonly what: string;
}

const MARK = /,"writer":"([0-9a-f]{8})","seq":(\d+),"prev":"([0-9a-f]{64}|)","hash":"([0-9a-f]{64})"\}$/;

/** Ties a line to the one before it: nobody can change, drop or insert one without a trace. */
export interface Chain {
  /** @param json one event as a JSON object. */
  seal(json: string): string;
}

/**
 * @param writer tells programs apart that append to one file: each has a chain of its own.
 * @param last the last line of the file before this program came.
 */
export function createChain(writer: string, last: string | undefined): Chain {
  let prev = last === undefined ? "" : (MARK.exec(last)?.[4] ?? digest(last));
  let seq = 0;
  return {
    seal(json) {
      seq += 1;
      const body = `${json.slice(0, -1)},"writer":"${writer}","seq":${seq},"prev":"${prev}"`;
      const hash = digest(body);
      prev = hash;
      return `${body},"hash":"${hash}"}`;
    },
  };
}

export interface ChainCheck {
  /** Takes the lines of a file one after the other; what is wrong with this one. */
  take(line: string): ChainFault | undefined;
  readonly lines: number;
  readonly writers: number;
}

/** Checks a file. A cut at its very end leaves no trace here: the log carries the same hashes elsewhere. */
export function createChainCheck(): ChainCheck {
  const heads = new Map<string, { readonly seq: number; readonly hash: string }>();
  const seen = new Set<string>([""]);
  let lines = 0;
  const judge = (line: string): string | undefined => {
    const [, writer = "", count = "", prev = "", hash = ""] = MARK.exec(line) ?? [];
    if (writer === "") {
      // Lines from before there was a chain; the first chained line holds the last one of them.
      seen.add(digest(line));
      return heads.size === 0 ? undefined : "it is no line of a chain";
    }
    const head = heads.get(writer);
    const seq = Number(count);
    heads.set(writer, { seq, hash });
    seen.add(hash);
    if (digest(line.slice(0, line.lastIndexOf(',"hash":"'))) !== hash) return "it was changed";
    if (head === undefined) return seq === 1 && seen.has(prev) ? undefined : "the lines before it are missing";
    if (seq !== head.seq + 1 || prev !== head.hash) return `it does not follow line ${head.seq} of its writer`;
    return undefined;
  };
  return {
    take(line) {
      lines += 1;
      const what = judge(line);
      return what === undefined ? undefined : { line: lines, what };
    },
    get lines() {
      return lines;
    },
    get writers() {
      return heads.size;
    },
  };
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
