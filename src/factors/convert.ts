import type { Account, AccountBackend, CallContext, Unavailable, WriteOutcome } from "../backend/index.ts";
import { isHashed, isSealed, type Sealer, withSealing } from "./sealing.ts";

/** What became of one account. */
export type Conversion =
  | { readonly code: "converted" | "unchanged" }
  /** Hashed recovery codes cannot be made plain again. */
  | { readonly code: "codes_stay_hashed" }
  | Unavailable;

interface Job {
  /** As it is, without sealing in between. */
  readonly backend: AccountBackend;
  readonly sealer: Sealer;
  readonly context: CallContext;
  readonly name: string;
}

/** Seals what is plain, and what an older key sealed; reads every write back. */
export async function sealAccount(job: Job): Promise<Conversion> {
  const { backend, sealer, context, name } = job;
  const found = await lookup(backend, name, context);
  if ("code" in found) return found;
  const { totp_secret: totp, recovery_codes: codes } = found;
  if (isSealedWell(found, sealer)) return { code: "unchanged" };
  const sealing = withSealing(backend, sealer);
  if (totp !== undefined && !sealer.isCurrent(totp)) {
    const secret = isSealed(totp) ? sealer.open(found, totp) : totp;
    if (secret === undefined) return { code: "unavailable", reason: "no configured key opens the secret" };
    const problem = failed(await sealing.addTotp(found, secret, context));
    if (problem !== undefined) return problem;
  }
  if (!codes.every(isHashed)) {
    const problem = failed(await sealing.addRecoveryCodes(found, codes, context));
    if (problem !== undefined) return problem;
  }
  const after = await lookup(backend, name, context);
  if ("code" in after) return after;
  return isSealedWell(after, sealer)
    ? { code: "converted" }
    : { code: "unavailable", reason: "what was written could not be read back" };
}

function isSealedWell({ totp_secret: totp, recovery_codes: codes }: Account, sealer: Sealer): boolean {
  return (totp === undefined || (isSealed(totp) && sealer.isCurrent(totp))) && codes.every(isHashed);
}

/** Makes the secret plain again. */
export async function unsealAccount({ backend, sealer, context, name }: Job): Promise<Conversion> {
  const found = await lookup(backend, name, context);
  if ("code" in found) return found;
  const { totp_secret: totp, recovery_codes: codes } = found;
  const stays = codes.some(isHashed) ? ({ code: "codes_stay_hashed" } as const) : undefined;
  if (totp === undefined || !isSealed(totp)) return stays ?? { code: "unchanged" };
  const secret = sealer.open(found, totp);
  if (secret === undefined) return { code: "unavailable", reason: "no configured key opens the secret" };
  const problem = failed(await backend.addTotp(found, secret, context));
  if (problem !== undefined) return problem;
  const after = await lookup(backend, name, context);
  if ("code" in after) return after;
  if (after.totp_secret?.expose() !== secret.expose())
    return { code: "unavailable", reason: "what was written could not be read back" };
  return stays ?? { code: "converted" };
}

async function lookup(backend: AccountBackend, name: string, context: CallContext): Promise<Account | Unavailable> {
  const found = await backend.lookup(name, context);
  if (found.code === "found") return found.account;
  return found.code === "unavailable" ? found : { code: "unavailable", reason: `the lookup answered ${found.code}` };
}

function failed(written: WriteOutcome): Unavailable | undefined {
  if (written.code === "ok") return undefined;
  return written.code === "unavailable"
    ? written
    : { code: "unavailable", reason: `the backend answered ${written.code}` };
}
