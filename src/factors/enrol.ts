import type { PublicKeyCredentialCreationOptionsJSON } from "@simplewebauthn/server";
import { encodeQR } from "qr";
import type { CallContext, Unavailable } from "../backend/index.ts";
import { Secret } from "../kernel/index.ts";
import { productOf } from "./aaguid.ts";
import type { Changes } from "./change.ts";
import { writeCredential } from "./credential.ts";
import { type ChangeOutcome, type FactorDeps, record } from "./deps.ts";
import { readCredentials } from "./enrolled.ts";
import { type Owner, ownerKey } from "./owner.ts";
import { spendStep } from "./prove.ts";
import { newRecoveryCodes } from "./recovery-codes.ts";
import { newTotpSecret, readCode, readTotpKey, stepOf, totpAddress } from "./totp.ts";
import { registrationOptions, verifyRegistration } from "./webauthn.ts";

/** A person at one place (an attempt, a browser session) who adds something. What is begun at one place ends there. */
export interface Place {
  readonly owner: Owner;
  readonly context: CallContext;
  readonly place: string;
}

/** The secret of an authenticator app before it is confirmed. For the page that shows it and nothing else. */
export interface PendingTotp {
  readonly secret: Secret;
  /** `otpauth://…` */
  readonly address: Secret;
  /** Rows of the QR code without a border; true is dark. */
  readonly modules: readonly (readonly boolean[])[];
}

export interface Enrolling {
  /** The same secret until it is confirmed or ten minutes are over. */
  beginTotp(place: Place): Promise<PendingTotp>;
  /** Stores the secret once a code proves that the app has it. */
  confirmTotp(place: Place, typed: string): Promise<ChangeOutcome>;
  /** Fresh codes to write down; nothing is stored in the account yet. */
  beginCodes(place: Place): Promise<readonly Secret[]>;
  /** The codes begun here, until they are confirmed or ten minutes are over. */
  pendingCodes(place: Place): Promise<readonly Secret[] | undefined>;
  /** The person has saved the codes: they replace what was stored. */
  confirmCodes(place: Place): Promise<ChangeOutcome>;
  beginKey(place: Place): Promise<PublicKeyCredentialCreationOptionsJSON | Unavailable>;
  /** @param suggested what the key is called when nothing tells more. */
  finishKey(
    place: Place,
    answer: string,
    suggested: string,
  ): Promise<ChangeOutcome<{ readonly id: string; readonly name: string }>>;
}

const TOTP = "factor.pending-totp";
const CODES = "factor.pending-codes";
/** Milliseconds. */
const PENDING = 10 * 60_000;

export function createEnrolling(deps: FactorDeps, changes: Changes): Enrolling {
  const { store, clock, random } = deps;
  const idOf = ({ owner, place }: Place): string => ownerKey(owner, place);
  const expiresAt = (): number => clock.now() + PENDING;

  const pendingTotp = async (place: Place): Promise<Secret | undefined> => {
    const secret = (await store.get(TOTP, idOf(place)))?.value["secret"];
    return typeof secret === "string" ? new Secret(secret) : undefined;
  };
  const pendingCodes = async (place: Place): Promise<readonly Secret[] | undefined> => {
    const codes = (await store.get(CODES, idOf(place)))?.value["codes"];
    return Array.isArray(codes) ? codes.map((code) => new Secret(String(code))) : undefined;
  };

  return {
    pendingCodes,
    async beginTotp(place) {
      const fresh = newTotpSecret();
      const isNew = await store.create(TOTP, idOf(place), { secret: fresh.expose() }, { expiresAt: expiresAt() });
      const secret = isNew ? fresh : ((await pendingTotp(place)) ?? fresh);
      const address = totpAddress(secret, { issuer: deps.totp.issuer, account: place.owner.name });
      return { secret, address: new Secret(address), modules: qrModules(address) };
    },
    async confirmTotp(place, typed) {
      const secret = await pendingTotp(place);
      const key = secret === undefined ? undefined : readTotpKey(secret);
      if (secret === undefined || key === undefined) return { code: "refused", why: "totp.expired" };
      const code = readCode(typed);
      const step = code === undefined ? undefined : stepOf(code, key, { now: clock.now(), ...deps.totp });
      if (step === undefined) return { code: "refused", why: "totp.wrong" };
      if (!(await spendStep(deps, { owner: place.owner, secret: key.secret, step, period: key.period })))
        return { code: "refused", why: "totp.used" };
      const outcome = await changes.setTotp(place, secret);
      if (outcome.code === "done") await store.delete(TOTP, idOf(place));
      return outcome;
    },
    async beginCodes(place) {
      const codes = newRecoveryCodes(random);
      await store.put(CODES, idOf(place), { codes: codes.map((code) => code.expose()) }, { expiresAt: expiresAt() });
      return codes;
    },
    async confirmCodes(place) {
      const codes = await pendingCodes(place);
      if (codes === undefined) return { code: "refused", why: "codes.expired" };
      const outcome = await changes.setCodes(place, codes);
      if (outcome.code === "done") await store.delete(CODES, idOf(place));
      return outcome;
    },
    beginKey: (place) => beginKey(deps, place),
    finishKey: (place, answer, suggested) => finishKey(deps, changes, place, { answer, suggested }),
  };
}

/** The library draws one row and column of border at least; the page brings its own. */
function qrModules(text: string): readonly (readonly boolean[])[] {
  return encodeQR(text, "raw", { ecc: "medium", border: 1 })
    .slice(1, -1)
    .map((row) => row.slice(1, -1));
}

function bindingOf({ owner, place }: Place): string {
  return JSON.stringify(["create", place, owner.subject]);
}

async function beginKey(deps: FactorDeps, place: Place): Promise<PublicKeyCredentialCreationOptionsJSON | Unavailable> {
  const stored = await readCredentials(deps.backend, place.owner, place.context);
  if ("code" in stored) return stored;
  return registrationOptions(
    { ...deps, binding: bindingOf(place) },
    {
      handle: deps.handles.handleOf(place.owner),
      account: place.owner.name,
      displayName: place.owner.display_name,
      existing: stored.credentials,
    },
  );
}

async function finishKey(
  deps: FactorDeps,
  changes: Changes,
  place: Place,
  { answer, suggested }: { readonly answer: string; readonly suggested: string },
): Promise<ChangeOutcome<{ readonly id: string; readonly name: string }>> {
  const { owner, context } = place;
  const verified = await verifyRegistration({ ...deps, binding: bindingOf(place) }, answer);
  if (!verified.ok) {
    record(deps.audit, place, "factor_refused", { factor: "webauthn", reason: "registration" });
    deps.logger.info("A registration was refused.", {
      account: owner.name,
      reference: context.session,
      because: verified.problem,
    });
    return { code: "refused", why: "key.failed" };
  }
  const stored = await readCredentials(deps.backend, owner, context);
  if ("code" in stored) return stored;
  const id = Buffer.from(verified.value.id).toString("base64url");
  if (stored.credentials.some((one) => one.id === id)) return { code: "refused", why: "key.exists" };
  if (!(await deps.handles.claim(owner, id, deps.clock.now()))) return { code: "refused", why: "key.exists" };
  const name = freeName(
    productOf(verified.value.aaguid) ?? suggested,
    stored.credentials.map((one) => one.name),
  );
  const outcome = await changes.saveKey(place, writeCredential({ ...verified.value, name }));
  if (outcome.code !== "done") {
    await deps.handles.release(id);
    return outcome;
  }
  await deps.handles.remember(owner);
  return { ...outcome, id, name };
}

/** The name, with a number where the person has one like it. */
function freeName(wanted: string, taken: readonly string[]): string {
  const plain = Array.from(wanted).slice(0, 60).join("");
  const candidates = [plain, ...Array.from({ length: taken.length }, (_, index) => `${plain} ${index + 2}`)];
  return candidates.find((name) => !taken.includes(name)) ?? plain;
}
