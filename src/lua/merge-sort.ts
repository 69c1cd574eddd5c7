/** Two elements to compare. */
export interface Pair<Element> {
  first: Element;
  second: Element;
}

/**
 * Each time it yields, the next value must say whether the second of `pair` belongs before the first. Equal elements keep their
 * order; an order that contradicts itself gives some order in the same number of steps.
 */
export function* mergeSort<Element>(
  elements: readonly Element[],
  pair: Pair<Element>,
): Generator<undefined, readonly Element[], boolean> {
  const { length } = elements;
  let from = [...elements];
  let to = [...elements];
  for (let width = 1; width < length; width *= 2) {
    for (let start = 0; start < length; start += 2 * width) {
      const middle = Math.min(start + width, length);
      const end = Math.min(middle + width, length);
      let left = start;
      let right = middle;
      for (let at = start; at < end; at += 1) {
        let isSecond = left === middle;
        if (left < middle && right < end) {
          pair.first = from[left] as Element;
          pair.second = from[right] as Element;
          isSecond = yield;
        }
        to[at] = from[isSecond ? right : left] as Element;
        if (isSecond) right += 1;
        else left += 1;
      }
    }
    [from, to] = [to, from];
  }
  return from;
}
