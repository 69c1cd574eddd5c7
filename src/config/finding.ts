/** Where something stands in a configuration: keys and list positions from the top. */
export type Path = readonly PropertyKey[];

/** One thing wrong, before its line is known. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly suggestion?: string | undefined;
}

/** The findings whose place has no finding in `noted` yet, neither it nor what it stands in: one mistake, one fault. */
export function unlessNoted(findings: readonly Finding[], noted: readonly Finding[]): readonly Finding[] {
  return findings.filter(({ path }) => !noted.some((other) => isWithin(other.path, path)));
}

/** Whether `inner` is `outer` or stands in it. */
function isWithin(inner: Path, outer: Path): boolean {
  return outer.every((part, index) => String(part) === String(inner[index]));
}
