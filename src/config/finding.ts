/** Where something stands in a configuration: keys and list positions from the top. */
export type Path = readonly PropertyKey[];

/** One thing wrong, before its line is known. */
export interface Finding {
  readonly path: Path;
  readonly message: string;
  readonly suggestion?: string | undefined;
}
