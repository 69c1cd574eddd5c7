// Lua's pattern matching on bytes. Every step is counted: a pattern can take longer than the age of the world.
import { type ByteSet, has, type Item, OP, PatternError } from "./pattern-items.ts";

export { createPatternReader, type Item, type Pattern, PatternError, readItems } from "./pattern-items.ts";

/** How deep items may nest, as in Lua. */
const DEPTH = 200;
const CAPTURES = 32;
/** Steps after which they are told. */
const ROUND = 10_000;
/** In the place of a capture's length. */
const UNFINISHED = -1;
const POSITION = -2;

/** Tries one pattern on one subject, again and again from different places. */
export class Matcher {
  private readonly subject: Uint8Array;
  private readonly items: readonly Item[];
  private readonly spend: (steps: number) => void;
  private readonly starts: number[] = [];
  private readonly lengths: number[] = [];
  private from = 0;
  private to = 0;
  private level = 0;
  private depth = DEPTH;
  private steps = 0;

  /** `spend` is told of the steps made, before there are many; it throws to end the matching. */
  constructor(subject: Uint8Array, items: readonly Item[], spend: (steps: number) => void) {
    this.subject = subject;
    this.items = items;
    this.spend = spend;
  }

  /** Where a match that begins at `at` ends, or -1. @throws PatternError */
  exec(at: number): number {
    this.level = 0;
    this.depth = DEPTH;
    this.from = at;
    this.to = this.match(at, 0);
    return this.to;
  }

  /** The bytes of the last match. */
  whole(): Uint8Array {
    return this.subject.subarray(this.from, this.to);
  }

  /** How many captures the pattern had in the last match. */
  get captures(): number {
    return this.level;
  }

  /**
   * A capture of the last match: its bytes, or the position that `()` marks. The first is the whole match where the pattern has
   * none. @throws PatternError
   */
  capture(index: number): Uint8Array | number {
    if (index >= this.level) {
      if (index > 0) throw new PatternError(`invalid capture index %${index + 1}`);
      return this.whole();
    }
    const start = this.starts[index] ?? 0;
    const length = this.lengths[index] ?? UNFINISHED;
    if (length === UNFINISHED) throw new PatternError("unfinished capture");
    return length === POSITION ? start + 1 : this.subject.subarray(start, start + length);
  }

  /** Tells of the steps made since the last time. */
  settle(): void {
    const made = this.steps;
    this.steps = 0;
    this.spend(made);
  }

  private match(from: number, first: number): number {
    if (this.steps >= ROUND) this.settle();
    if (this.depth === 0) throw new PatternError("pattern too complex");
    this.depth -= 1;
    const end = this.walk(from, first);
    this.depth += 1;
    return end;
  }

  /** Goes on from item to item; where there is a choice, the rest is a match of its own. */
  private walk(from: number, first: number): number {
    const { subject, items } = this;
    let at = from;
    for (let index = first; at >= 0; index += 1) {
      this.steps += 1;
      const item = items[index] as Item;
      if (item.op === OP.done) break;
      if (item.op > OP.close) at = this.check(item, at);
      else if (item.op > OP.lazy) return this.capturing(item, at, index + 1);
      else {
        const fits = at < subject.length && has(item.set, subject[at] as number);
        if (item.op === OP.one) at = fits ? at + 1 : -1;
        else if (fits) {
          const end = this.repeat(item, at, index + 1);
          if (end >= 0 || item.op !== OP.maybe) return end;
        } else if (item.op === OP.plus) return -1;
      }
    }
    return at;
  }

  /** At least one byte fits at `at`; `next` is the item after. */
  private repeat(item: Item, at: number, next: number): number {
    if (item.op === OP.maybe) return this.match(at + 1, next);
    if (item.op === OP.lazy) return this.expand(item.set, at, next);
    const { subject } = this;
    let end = at + 1;
    while (end < subject.length && has(item.set, subject[end] as number)) end += 1;
    this.steps += end - at;
    for (const least = item.op === OP.plus ? at + 1 : at; end >= least; end -= 1) {
      const found = this.match(end, next);
      if (found >= 0) return found;
    }
    return -1;
  }

  private expand(set: ByteSet, from: number, next: number): number {
    const { subject } = this;
    for (let at = from; ; at += 1) {
      const found = this.match(at, next);
      if (found >= 0) return found;
      if (at >= subject.length || !has(set, subject[at] as number)) return -1;
    }
  }

  private capturing(item: Item, at: number, next: number): number {
    if (item.op === OP.close) return this.closeCapture(at, next);
    if (this.level >= CAPTURES) throw new PatternError("too many captures");
    this.starts[this.level] = at;
    this.lengths[this.level] = item.op === OP.position ? POSITION : UNFINISHED;
    this.level += 1;
    const found = this.match(at, next);
    if (found < 0) this.level -= 1;
    return found;
  }

  private closeCapture(at: number, next: number): number {
    let index = this.level - 1;
    while (index >= 0 && this.lengths[index] !== UNFINISHED) index -= 1;
    if (index < 0) throw new PatternError("invalid pattern capture");
    this.lengths[index] = at - (this.starts[index] ?? 0);
    const found = this.match(at, next);
    if (found < 0) this.lengths[index] = UNFINISHED;
    return found;
  }

  /** Items that fit in one way only. */
  private check(item: Item, at: number): number {
    switch (item.op) {
      case OP.end:
        return at === this.subject.length ? at : -1;
      case OP.balance:
        return this.balance(item, at);
      case OP.frontier:
        return this.fits(item.set, at) && !this.fits(item.set, at - 1) ? at : -1;
      case OP.back:
        return this.again(item.first - 1, at);
      default:
        throw new PatternError(item.wrong);
    }
  }

  /** Outside the subject there are zeros. */
  private fits(set: ByteSet, at: number): boolean {
    return has(set, this.subject[at] ?? 0);
  }

  private balance({ first, second }: Item, from: number): number {
    const { subject } = this;
    if (subject[from] !== first) return -1;
    let depth = 1;
    let at = from + 1;
    for (; at < subject.length && depth > 0; at += 1) {
      if (subject[at] === second) depth -= 1;
      else if (subject[at] === first) depth += 1;
    }
    this.steps += at - from;
    return depth === 0 ? at : -1;
  }

  /** The text of an earlier capture. */
  private again(index: number, at: number): number {
    const length = this.lengths[index] ?? UNFINISHED;
    if (index < 0 || index >= this.level || length === UNFINISHED) {
      throw new PatternError(`invalid capture index %${index + 1}`);
    }
    if (length === POSITION || this.subject.length - at < length) return -1;
    const start = this.starts[index] ?? 0;
    this.steps += length;
    for (let offset = 0; offset < length; offset += 1) {
      if (this.subject[start + offset] !== this.subject[at + offset]) return -1;
    }
    return at + length;
  }
}
