/** Grows by doubling; `growing` is told of every size over a megabyte, and throws to refuse it. */
export class ByteBuffer {
  private readonly growing: (bytes: number) => void;
  private bytes = new Uint8Array(64);
  private length = 0;

  constructor(growing: (bytes: number) => void) {
    this.growing = growing;
  }

  add(source: Uint8Array, from = 0, to = source.length): void {
    const size = to - from;
    if (size <= 0) return;
    this.reserve(this.length + size);
    if (size < SHORT) {
      for (let offset = 0; offset < size; offset += 1)
        this.bytes[this.length + offset] = source[from + offset] as number;
    } else this.bytes.set(source.subarray(from, to), this.length);
    this.length += size;
  }

  /** What was added; part of the buffer. */
  contents(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private reserve(size: number): void {
    if (size <= this.bytes.length) return;
    if (size > LARGE) this.growing(size);
    const larger = new Uint8Array(Math.max(size, this.bytes.length * 2));
    larger.set(this.contents());
    this.bytes = larger;
  }
}

const SHORT = 32;
const LARGE = 1_048_576;

/** Where `wanted` comes first in `bytes` from `start`, or -1; and how many bytes were looked at. */
export function search(
  bytes: Uint8Array,
  wanted: Uint8Array,
  start: number,
): { readonly at: number; readonly work: number } {
  const [first] = wanted;
  if (first === undefined) return { at: start, work: 0 };
  const last = bytes.length - wanted.length;
  const enough = 4 * bytes.length;
  let work = 0;
  for (let at = bytes.indexOf(first, start); at >= 0 && at <= last; at = bytes.indexOf(first, at + 1)) {
    let same = 1;
    while (same < wanted.length && bytes[at + same] === wanted[same]) same += 1;
    if (same === wanted.length) return { at, work: work + same };
    work += same;
    // Nearly the same again and again: what is known of the text wanted says how far to go at once.
    if (work > enough) return { at: searchLinear(bytes, wanted, at), work: work + bytes.length };
  }
  return { at: -1, work: work + bytes.length - start };
}

/** By Knuth, Morris and Pratt: no byte is looked at twice. */
function searchLinear(bytes: Uint8Array, wanted: Uint8Array, start: number): number {
  // At each place of `wanted`: how long the beginning is that ends there, too.
  const border = new Int32Array(wanted.length);
  for (let at = 1, same = 0; at < wanted.length; at += 1) {
    while (same > 0 && wanted[at] !== wanted[same]) same = border[same - 1] as number;
    if (wanted[at] === wanted[same]) same += 1;
    border[at] = same;
  }
  for (let at = start, same = 0; at < bytes.length; at += 1) {
    while (same > 0 && bytes[at] !== wanted[same]) same = border[same - 1] as number;
    if (bytes[at] === wanted[same]) same += 1;
    if (same === wanted.length) return at + 1 - same;
  }
  return -1;
}
