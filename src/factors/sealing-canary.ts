import { Secret } from "../kernel/index.ts";
import type { Store } from "../store/index.ts";
import type { Sealer } from "./sealing.ts";

const KIND = "sealing";
const ID = "canary";
const NOBODY = { name: "canary", backend: "", unique_user_id: undefined };
const SONG = "moonlatch";

/** Whether the configured key is the one that sealed what is stored. */
export type CanaryAnswer = "fine" | "wrong_key" | "no_key";

/**
 * Checks the key against a value it sealed at its first start. A provider with another key would lock everybody out, and one with none
 * would hand sealed secrets to nobody.
 */
export async function checkCanary(store: Store, sealer: Sealer | undefined): Promise<CanaryAnswer> {
  const kept = (await store.get(KIND, ID))?.value["sealed"];
  if (sealer === undefined) return kept === undefined ? "fine" : "no_key";
  if (typeof kept === "string") {
    const sealed = new Secret(kept);
    if (sealer.open(NOBODY, sealed)?.expose() !== SONG) return "wrong_key";
    if (sealer.isCurrent(sealed)) return "fine";
  }
  await store.put(KIND, ID, { sealed: sealer.seal(NOBODY, new Secret(SONG)).expose() });
  return "fine";
}

/** Nothing is sealed any more: the key may go. */
export async function removeCanary(store: Store): Promise<void> {
  await store.delete(KIND, ID);
}
