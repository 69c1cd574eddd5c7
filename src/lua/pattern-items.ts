// Lua's patterns, read into the items a matcher walks along.

/** What is wrong with a pattern, in Lua's words. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

/** Kinds of items. The first five are a set of bytes and how often it may come; the next three are captures. */
export const OP = {
  one: 0,
  maybe: 1,
  star: 2,
  plus: 3,
  lazy: 4,
  open: 5,
  position: 6,
  close: 7,
  done: 8,
  end: 9,
  balance: 10,
  frontier: 11,
  back: 12,
  wrong: 13,
} as const;

/** A bit for each byte that fits. */
export type ByteSet = Int32Array;

export interface Item {
  readonly op: number;
  readonly set: ByteSet;
  /** The byte after `%b`, or the digit of `%1`. */
  readonly first: number;
  readonly second: number;
  /** Lua complains about a pattern only when it comes to the place. */
  readonly wrong: string;
}

interface Read {
  readonly item: Item;
  readonly next: number;
}

const LONGEST = 65_536;
/** How many patterns are kept, and up to which length. */
const KEPT = 251;
const LONGEST_KEPT = 200;
/** What an item takes on the heap for each byte of its pattern, roughly. */
const ITEM_BYTES = 150;

const code = (character: string): number => character.charCodeAt(0);
const [ESCAPE, ANCHOR, MINUS, OPEN, CLOSE] = [code("%"), code("^"), code("-"), code("["), code("]")];
const NONE = new Int32Array(8);
const SPECIALS = setWhere((byte) => "^$*+?.([%-".includes(String.fromCharCode(byte)));
const REPEATS = repeats({ "?": OP.maybe, "*": OP.star, "+": OP.plus, "-": OP.lazy });
const ANY = setWhere(() => true);
const LITERALS = Array.from({ length: 256 }, (_, wanted) => setWhere((byte) => byte === wanted));
/** What a byte stands for after `%`. */
const CLASSES = classes({
  a: /[a-z]/i,
  // oxlint-disable-next-line no-control-regex
  c: /[\0-\x1f\x7f]/,
  d: /[0-9]/,
  g: /[!-~]/,
  l: /[a-z]/,
  p: /[!-/:-@[-`{-~]/,
  s: /[ \t-\r]/,
  u: /[A-Z]/,
  w: /[a-z0-9]/i,
  x: /[0-9a-f]/i,
  // oxlint-disable-next-line no-control-regex
  z: /\0/,
});

/** Answers whether a byte is in a set. */
export function has(set: ByteSet, byte: number): boolean {
  return (((set[byte >> 5] as number) >>> (byte & 31)) & 1) === 1;
}

export class Pattern {
  /** Nothing in it is special. */
  readonly isPlain: boolean;
  readonly isAnchored: boolean;
  private readonly source: Uint8Array;
  private known: readonly Item[] | undefined;

  constructor(source: Uint8Array) {
    this.source = source;
    this.isPlain = isPlain(source);
    this.isAnchored = source[0] === ANCHOR;
  }

  is(source: Uint8Array): boolean {
    if (source === this.source) return true;
    if (source.length !== this.source.length) return false;
    for (let at = 0; at < source.length; at += 1) if (source[at] !== this.source[at]) return false;
    return true;
  }

  /** Without the anchor. `reading` is told beforehand what they take. @throws PatternError when there are too many. */
  items(reading: (bytes: number) => void): readonly Item[] {
    if (this.known === undefined) {
      reading(this.source.length * ITEM_BYTES);
      this.known = readItems(this.source, this.isAnchored ? 1 : 0);
    }
    return this.known;
  }
}

/** Gives the pattern of a string; the last ones are kept. */
export function createPatternReader(): (source: Uint8Array) => Pattern {
  const kept: Pattern[] = [];
  return (source) => {
    const { length } = source;
    const place =
      (length * 31 + (source[0] ?? 0) * 7 + (source[length >> 1] ?? 0) * 3 + (source[length - 1] ?? 0)) % KEPT;
    const last = kept[place];
    if (last?.is(source) === true) return last;
    const pattern = new Pattern(source);
    if (length <= LONGEST_KEPT) kept[place] = pattern;
    return pattern;
  };
}

function isPlain(source: Uint8Array): boolean {
  for (let at = 0; at < source.length; at += 1) if (has(SPECIALS, source[at] as number)) return false;
  return true;
}

/** @throws PatternError when the pattern has too many items. */
export function readItems(source: Uint8Array, from = 0): readonly Item[] {
  if (source.length > LONGEST) throw new PatternError("pattern too long");
  const items: Item[] = [];
  try {
    for (let at = from; at < source.length; ) {
      const { item, next } = readItem(source, at);
      items.push(item);
      at = next;
    }
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    items.push({ ...make(OP.wrong), wrong: error.message });
  }
  items.push(make(OP.done));
  return items;
}

function make(op: number, set: ByteSet = NONE, first = 0, second = 0): Item {
  return { op, set, first, second, wrong: "" };
}

function readItem(source: Uint8Array, at: number): Read {
  switch (source[at] ?? 0) {
    case code("("):
      if (source[at + 1] === code(")")) return { item: make(OP.position), next: at + 2 };
      return { item: make(OP.open), next: at + 1 };
    case code(")"):
      return { item: make(OP.close), next: at + 1 };
    case code("$"):
      return at + 1 === source.length ? { item: make(OP.end), next: at + 1 } : readSet(source, at);
    case ESCAPE:
      return readEscaped(source, at) ?? readSet(source, at);
    default:
      return readSet(source, at);
  }
}

/** `%b`, `%f` and `%0` to `%9`. */
function readEscaped(source: Uint8Array, at: number): Read | undefined {
  const kind = source[at + 1] ?? 0;
  if (kind === code("b")) {
    const [first, second] = [source[at + 2], source[at + 3]];
    if (first === undefined || second === undefined) {
      throw new PatternError("malformed pattern (missing arguments to '%b'");
    }
    return { item: make(OP.balance, NONE, first, second), next: at + 4 };
  }
  if (kind === code("f")) {
    if (source[at + 2] !== OPEN) throw new PatternError("missing '[' after '%f' in pattern");
    const next = endOfSet(source, at + 2);
    return { item: make(OP.frontier, bracketSet(source, at + 2, next - 1)), next };
  }
  if (kind >= code("0") && kind <= code("9")) {
    return { item: make(OP.back, NONE, kind - code("0")), next: at + 2 };
  }
  return undefined;
}

/** A set of bytes, and how often it may come. */
function readSet(source: Uint8Array, at: number): Read {
  const next = endOfSet(source, at);
  const repeat = REPEATS[source[next] ?? 0] ?? OP.one;
  return { item: make(repeat, setAt(source, at, next)), next: repeat === OP.one ? next : next + 1 };
}

function endOfSet(source: Uint8Array, from: number): number {
  if (source[from] === ESCAPE) {
    if (from + 1 >= source.length) throw new PatternError("malformed pattern (ends with '%')");
    return from + 2;
  }
  if (source[from] !== OPEN) return from + 1;
  // The first byte of a set is never its end.
  let at = source[from + 1] === ANCHOR ? from + 2 : from + 1;
  do {
    if (at >= source.length) throw new PatternError("malformed pattern (missing ']')");
    at += source[at] === ESCAPE && at + 1 < source.length ? 2 : 1;
  } while (source[at] !== CLOSE);
  return at + 1;
}

function setAt(source: Uint8Array, at: number, next: number): ByteSet {
  const byte = source[at] ?? 0;
  if (byte === code(".")) return ANY;
  if (byte === ESCAPE) return classOf(source[at + 1] ?? 0);
  if (byte === OPEN) return bracketSet(source, at, next - 1);
  return LITERALS[byte] ?? NONE;
}

function bracketSet(source: Uint8Array, from: number, close: number): ByteSet {
  const isNegated = source[from + 1] === ANCHOR;
  const set = new Int32Array(8);
  for (let at = from + (isNegated ? 2 : 1); at < close; at += 1) {
    const byte = source[at] as number;
    if (byte === ESCAPE) {
      at += 1;
      const others = classOf(source[at] as number);
      for (let word = 0; word < 8; word += 1) (set[word] as number) |= others[word] as number;
    } else if (source[at + 1] === MINUS && at + 2 < close) {
      at += 2;
      for (let inside = byte; inside <= (source[at] as number); inside += 1) add(set, inside);
    } else add(set, byte);
  }
  return isNegated ? set.map((word) => ~word) : set;
}

function add(set: ByteSet, byte: number): void {
  (set[byte >> 5] as number) |= 1 << (byte & 31);
}

function classOf(letter: number): ByteSet {
  return CLASSES[letter] ?? NONE;
}

function setWhere(fits: (byte: number) => boolean): ByteSet {
  const set = new Int32Array(8);
  for (let byte = 0; byte < 256; byte += 1) if (fits(byte)) add(set, byte);
  return set;
}

function repeats(ops: Readonly<Record<string, number>>): readonly number[] {
  return Array.from({ length: 256 }, (_, byte) => ops[String.fromCharCode(byte)] ?? OP.one);
}

/** Each class, under its capital letter what is not in it, and every other byte for itself. */
function classes(sets: Readonly<Record<string, RegExp>>): readonly ByteSet[] {
  return LITERALS.map((literal, byte) => {
    const letter = String.fromCharCode(byte);
    const bytes = sets[letter.toLowerCase()];
    if (bytes === undefined) return literal;
    return setWhere((other) => bytes.test(String.fromCharCode(other)) === (letter === letter.toLowerCase()));
  });
}
