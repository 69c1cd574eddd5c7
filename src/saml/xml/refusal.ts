/** Why a message is not believed: for the operator's log, never for the person or the sender. */
export interface Refusal {
  /** Short stable name of the rule, e.g. `destination`. */
  readonly rule: string;
  /** XPath of the place. */
  readonly at: string;
  /** What would have been right. Holds nothing of the message. */
  readonly expected: string;
}
