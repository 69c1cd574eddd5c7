import type { Unavailable, WriteOutcome } from "../backend/index.ts";
import type { Secret } from "../kernel/index.ts";
import { cleanName, renamedCredential, type StoredCredential } from "./credential.ts";
import { type ChangeOutcome, type FactorDeps, notStored, record, type Visit } from "./deps.ts";
import { type EnrolledOutcome, readCredentials, readEnrolled } from "./enrolled.ts";
import { ownerKey } from "./owner.ts";
import { replaceCodes, writeBack } from "./prove.ts";

type About = Pick<Visit, "owner" | "context">;

/** Changes of what is stored, each read back through a fresh lookup before it counts, and undone where it cannot be. */
export interface Changes {
  setTotp(visit: About, secret: Secret): Promise<ChangeOutcome>;
  removeTotp(visit: About): Promise<ChangeOutcome>;
  setCodes(visit: About, codes: readonly Secret[]): Promise<ChangeOutcome>;
  saveKey(visit: About, raw: string): Promise<ChangeOutcome>;
  renameKey(visit: About, id: string, name: string): Promise<ChangeOutcome<{ readonly name: string }>>;
  removeKey(visit: About, id: string): Promise<ChangeOutcome<{ readonly name: string }>>;
  /** Everything, for an administrator. */
  reset(visit: About): Promise<ChangeOutcome>;
}

export function createChanges(deps: FactorDeps): Changes {
  const alone = async <Value>(
    { owner }: About,
    work: () => Promise<ChangeOutcome<Value>>,
  ): Promise<ChangeOutcome<Value>> => {
    const outcome = await deps.lock.run(ownerKey(owner), work);
    deps.changed(owner);
    return outcome ?? { code: "unavailable", reason: "another change is under way" };
  };
  return {
    setTotp: (visit, secret) => alone(visit, () => setTotp(deps, visit, secret)),
    removeTotp: (visit) => alone(visit, () => removeTotp(deps, visit)),
    setCodes: (visit, codes) => alone(visit, () => setCodes(deps, visit, codes)),
    saveKey: (visit, raw) => alone(visit, () => saveKey(deps, visit, raw)),
    renameKey: (visit, id, name) =>
      alone(visit, () => onKey(deps, visit, id, (credential) => renameKey(deps, visit, credential, name))),
    removeKey: (visit, id) =>
      alone(visit, () => onKey(deps, visit, id, (credential) => removeKey(deps, visit, credential))),
    reset: (visit) => alone(visit, () => reset(deps, visit)),
  };
}

const DONE = { code: "done" } as const;

/** What a write that the backend did not accept means. */
function failed(written: WriteOutcome): Unavailable | undefined {
  if (written.code === "ok") return undefined;
  return written.code === "unavailable"
    ? written
    : { code: "unavailable", reason: `the backend answered ${written.code}` };
}

/** An account that is denied or gone in the middle of a change is a failure of the change. */
async function read(deps: FactorDeps, visit: About): Promise<Exclude<EnrolledOutcome, { code: "denied" }>> {
  const outcome = await readEnrolled(deps.backend, visit);
  return outcome.code === "denied" ? { code: "unavailable", reason: "the backend denied the account" } : outcome;
}

async function setTotp(deps: FactorDeps, visit: About, secret: Secret): Promise<ChangeOutcome> {
  const { owner, context } = visit;
  const before = await read(deps, visit);
  if (before.code !== "ok") return before;
  const problem = failed(await deps.backend.addTotp(owner, secret, context));
  const after = await read(deps, visit);
  if (problem === undefined && after.code === "ok" && after.enrolled.totpSecret?.expose() === secret.expose()) {
    record(deps.audit, visit, "factor_added", { factor: "totp" });
    return DONE;
  }
  const { totpSecret: old } = before.enrolled;
  await (old === undefined ? deps.backend.deleteTotp(owner, context) : deps.backend.addTotp(owner, old, context));
  return problem ?? notStored("the key of the authenticator app");
}

async function removeTotp(deps: FactorDeps, visit: About): Promise<ChangeOutcome> {
  const { owner, context } = visit;
  const problem = failed(await deps.backend.deleteTotp(owner, context));
  if (problem !== undefined) return problem;
  const after = await read(deps, visit);
  if (after.code !== "ok") return after;
  if (after.enrolled.totp !== "none")
    return { code: "unavailable", reason: "the key is still there after it was deleted" };
  record(deps.audit, visit, "factor_removed", { factor: "totp" });
  return DONE;
}

async function setCodes(deps: FactorDeps, visit: About, codes: readonly Secret[]): Promise<ChangeOutcome> {
  const { owner, context } = visit;
  const before = await deps.backend.lookup(owner.name, context, owner.backend);
  const problem = await replaceCodes(deps, visit, codes);
  if (problem === undefined) {
    record(deps.audit, visit, codes.length === 0 ? "recovery_codes_removed" : "recovery_codes_created");
    return DONE;
  }
  if (before.code === "found") await replaceCodes(deps, visit, before.account.recovery_codes);
  return problem;
}

async function saveKey(deps: FactorDeps, visit: About, raw: string): Promise<ChangeOutcome> {
  const { owner, context } = visit;
  const problem = failed(await deps.backend.saveWebauthnCredential(owner, raw, context));
  const after = await readCredentials(deps.backend, owner, context);
  if (problem === undefined && !("code" in after) && after.credentials.some((one) => one.raw === raw)) {
    record(deps.audit, visit, "factor_added", { factor: "webauthn" });
    return DONE;
  }
  await deps.backend.deleteWebauthnCredential(owner, raw, context);
  return problem ?? notStored("the credential");
}

async function onKey<Value>(
  deps: FactorDeps,
  { owner, context }: About,
  id: string,
  work: (credential: StoredCredential) => Promise<ChangeOutcome<Value>>,
): Promise<ChangeOutcome<Value>> {
  const stored = await readCredentials(deps.backend, owner, context);
  if ("code" in stored) return stored;
  const credential = stored.credentials.find((one) => one.id === id);
  return credential === undefined ? { code: "refused", why: "key.unknown" } : work(credential);
}

async function renameKey(
  deps: FactorDeps,
  visit: About,
  credential: StoredCredential,
  typed: string,
): Promise<ChangeOutcome<{ readonly name: string }>> {
  const name = cleanName(typed) || credential.name;
  if (name === credential.name) return { ...DONE, name };
  const problem = await writeBack(deps, visit, credential.raw, renamedCredential(credential.raw, name));
  if (problem !== undefined) return problem;
  record(deps.audit, visit, "factor_renamed", { factor: "webauthn", reason: name });
  return { ...DONE, name };
}

async function removeKey(
  deps: FactorDeps,
  visit: About,
  credential: StoredCredential,
): Promise<ChangeOutcome<{ readonly name: string }>> {
  const { owner, context } = visit;
  const problem = failed(await deps.backend.deleteWebauthnCredential(owner, credential.raw, context));
  if (problem !== undefined) return problem;
  const after = await readCredentials(deps.backend, owner, context);
  if ("code" in after) return after;
  if (after.credentials.some(({ id }) => id === credential.id))
    return { code: "unavailable", reason: "the credential is still there after it was deleted" };
  await deps.handles.release(credential.id);
  record(deps.audit, visit, "factor_removed", { factor: "webauthn", reason: credential.name });
  return { ...DONE, name: credential.name };
}

async function reset(deps: FactorDeps, visit: About): Promise<ChangeOutcome> {
  const { owner, context } = visit;
  const before = await read(deps, visit);
  if (before.code !== "ok") return before;
  const { enrolled } = before;
  const raws = [...enrolled.credentials.map(({ raw }) => raw), ...enrolled.unreadableCredentials];
  for (const raw of raws) {
    const problem = failed(await deps.backend.deleteWebauthnCredential(owner, raw, context));
    if (problem !== undefined) return problem;
  }
  await Promise.all(enrolled.credentials.map(({ id }) => deps.handles.release(id)));
  if (enrolled.totp !== "none") {
    const problem = failed(await deps.backend.deleteTotp(owner, context));
    if (problem !== undefined) return problem;
  }
  const problem = enrolled.recoveryCodes.length === 0 ? undefined : await replaceCodes(deps, visit, []);
  if (problem !== undefined) return problem;
  const after = await read(deps, visit);
  if (after.code !== "ok") return after;
  const isClean =
    after.enrolled.totp === "none" &&
    after.enrolled.credentials.length +
      after.enrolled.unreadableCredentials.length +
      after.enrolled.recoveryCodes.length ===
      0;
  if (!isClean) return { code: "unavailable", reason: "something is still stored after everything was deleted" };
  record(deps.audit, visit, "factors_reset");
  return DONE;
}
