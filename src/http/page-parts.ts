/** A box above the fields. `tone` decides colour and icon; the text says it in words. */
export interface Note {
  readonly tone: "danger" | "warning" | "info" | "success";
  readonly title: string;
  readonly text: string;
}

export interface Who {
  readonly name: string;
  readonly account: string;
  /** Where "Not you?" leads; absent where switching is not possible. */
  readonly switchHref: string | undefined;
}
