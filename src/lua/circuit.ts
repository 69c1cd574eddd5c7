/** Whether a function may be called, after what it did to its threads (lua-runtime.md section 8, kill path). Times in milliseconds. */
export type Circuit =
  | { readonly state: "closed"; readonly losses: readonly number[] }
  | { readonly state: "open"; readonly until: number }
  /** One call is on its way to show whether the function is harmless again. */
  | { readonly state: "probing" };

export const CLOSED: Circuit = { state: "closed", losses: [] };

/** Within this time a second loss opens the circuit. */
const WINDOW = 60_000;
/** For how long it stays open before one call may try. */
const OPEN = 60_000;

/** How a call stands to the circuit: refused, or going, possibly as the one that tries. */
export type Admission = "refused" | "goes" | "probes";

export function admit(circuit: Circuit, now: number): Admission {
  if (circuit.state === "closed") return "goes";
  return circuit.state === "open" && now >= circuit.until ? "probes" : "refused";
}

/** A call of the function cost its thread. */
export function afterLoss(circuit: Circuit, now: number): Circuit {
  if (circuit.state !== "closed") return { state: "open", until: now + OPEN };
  const losses = [...circuit.losses.filter((at) => now - at < WINDOW), now];
  return losses.length < 2 ? { state: "closed", losses } : { state: "open", until: now + OPEN };
}

/** The call that tried has ended. `isVerdict`: its thread outlived it; otherwise it never showed anything, and the next one may try. */
export function afterProbe(circuit: Circuit, isVerdict: boolean, now: number): Circuit {
  if (circuit.state !== "probing") return circuit;
  return isVerdict ? CLOSED : { state: "open", until: now };
}
