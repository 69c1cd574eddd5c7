import { createRequire } from "node:module";
import type { RE2JS } from "re2js";
import type { Now } from "../call.ts";
import { attempt, bufferOf, type Helper } from "../helper.ts";
import { threadTime } from "../stopwatch.ts";
import { bytesOf, fromBytes, type LuaValue } from "../values.ts";

/** What a pattern may take when its repeats are written out: some 100 ms of compiling. */
const LARGEST = 2_000;
const LONGEST = 1_000;
/** Instructions of a pattern times bytes of the text: at the worst 200 ns each, and the watchdog waits half a second. */
const MOST_WORK = 1_000_000;
const MOST_MATCHES = 10_000;
/** Each keeps some megabytes at the worst. */
const KEPT = 8;
/** Lua instructions a millisecond of matching counts for. */
const INSTRUCTIONS_PER_MS = 20_000;

/**
 * Host functions of `regexp`: RE2 syntax, as Go has it, by re2js. It never backtracks, so the time is bounded by pattern times
 * text, and both are limited here: nothing could stop it within.
 */
export function regexpFunctions(now: Pick<Now, "charge" | "apart">): Readonly<Record<string, Helper>> {
  const patterns = new Map<string, RE2JS>();
  // Few scripts need it, and it takes long to load, which is no script's fault.
  let engine: typeof import("re2js") | undefined;
  const compiled = (source: string): RE2JS => {
    const known = patterns.get(source);
    if (known !== undefined) return known;
    engine ??= now.apart(() => createRequire(import.meta.url)("re2js") as typeof import("re2js"));
    const { RE2JS: Pattern } = engine;
    check(source);
    const pattern = timed(now, () => Pattern.compile(source));
    if (patterns.size >= KEPT) patterns.delete(patterns.keys().next().value ?? "");
    patterns.set(source, pattern);
    return pattern;
  };
  const prepared = (source: LuaValue | undefined, text: LuaValue | undefined) => {
    const pattern = compiled(fromBytes(bytesOf(source)));
    const bytes = bufferOf(text);
    const most = Math.floor(MOST_WORK / pattern.programSize());
    if (bytes.length > most)
      throw new Error(`the text has ${bytes.length} bytes; this pattern can be looked for in ${most}`);
    return { pattern, bytes };
  };
  return {
    regexp_compile: (source) =>
      attempt(() => {
        compiled(fromBytes(bytesOf(source)));
        return true;
      }),
    regexp_match: (source, text) =>
      attempt(() => {
        const { pattern, bytes } = prepared(source, text);
        return timed(now, () => pattern.test(bytes));
      }),
    regexp_find_all: (source, text) =>
      attempt(() => {
        const { pattern, bytes } = prepared(source, text);
        return findAll(now, pattern, bytes);
      }),
  };
}

/** Counts the CPU time: on a starved machine elapsed time would end honest calls. */
function timed<Value>(now: Pick<Now, "charge">, work: () => Value): Value {
  const from = threadTime();
  const value = work();
  now.charge((threadTime() - from) * INSTRUCTIONS_PER_MS);
  return value;
}

function check(source: string): void {
  if (source.length > LONGEST) throw new Error(`a pattern of over ${LONGEST} characters`);
  if (sizeOf(source) > LARGEST) throw new Error("the pattern is too large when its repeats are written out");
}

/** Every match, each a list of the whole and its groups; a group without a part in it is empty, as in Go. */
function findAll(now: Pick<Now, "charge">, pattern: RE2JS, bytes: Buffer): LuaValue {
  const matcher = pattern.matcher(bytes);
  const rows: string[][] = [];
  let end = -1;
  while (timed(now, () => matcher.find())) {
    // Go takes no empty match where the one before ended.
    if (matcher.start() === matcher.end() && matcher.start() === end) continue;
    end = matcher.end();
    if (rows.length >= MOST_MATCHES) throw new Error(`over ${MOST_MATCHES} matches`);
    rows.push(
      Array.from({ length: matcher.groupCount() + 1 }, (_, group) =>
        matcher.start(group) < 0 ? "" : bytes.toString("latin1", matcher.start(group), matcher.end(group)),
      ),
    );
  }
  return rows;
}

const TOKEN =
  /\\Q.*?(?:\\E|$)|\\(?:[pP]\{[^}]*\}|x\{[^}]*\}|.)|\[\^?\]?(?:\[:[^\]]*:\]|\\.|[^\]])*\]|\(\?[imsU-]+\)|\((?:\?P?<\w+>|\?[imsU-]*:)?|\)|\{(\d+)(,?)(\d*)\}|[*+?|^$]|./gsu;

/** Parts of the pattern with every `{n,m}` written out, roughly. */
function sizeOf(source: string): number {
  // Of each open group: what is before its last part, and its last part.
  const open = [{ before: 0, last: 0 }];
  for (const [token, least, , most] of source.matchAll(TOKEN)) {
    const top = open.at(-1) ?? { before: 0, last: 0 };
    if (least !== undefined) top.last *= Math.max(Number(least), Number(most), 1);
    else if (token === ")") close(open);
    else if (token.startsWith("(") && !token.endsWith(")")) open.push({ before: 0, last: 0 });
    else {
      top.before += top.last;
      top.last = token.startsWith("\\Q") ? token.length : 1;
    }
  }
  while (open.length > 1) close(open);
  return (open[0]?.before ?? 0) + (open[0]?.last ?? 0);
}

function close(open: { before: number; last: number }[]): void {
  const group = open.length > 1 ? open.pop() : undefined;
  const outer = open.at(-1);
  if (group === undefined || outer === undefined) return;
  outer.before += outer.last;
  outer.last = group.before + group.last + 2;
}
