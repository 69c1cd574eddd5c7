import { createCipheriv, createDecipheriv, createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { Account, AccountBackend, AccountKey } from "../backend/index.ts";
import { type Random, Secret } from "../kernel/index.ts";
import { canonicalCode, isSameCode } from "./recovery-codes.ts";

/** Keys that seal what scripts store: the first one seals, all of them open. */
export interface Sealer {
  /** AES-256-GCM, bound to the account; fits 255 characters, without quotes and commas. */
  seal(account: AccountKey, secret: Secret): Secret;
  /** The secret; `undefined` when no key opens it, or it was sealed for somebody else. */
  open(account: AccountKey, sealed: Secret): Secret | undefined;
  /** What is stored of a recovery code: nobody can read it back. */
  hash(account: AccountKey, code: Secret): Secret;
  /** Compares a typed code with a stored one, hashed or plain. */
  isSameCode(account: AccountKey, stored: Secret, typed: string): boolean;
  /** Whether the present key made it. */
  isCurrent(stored: Secret): boolean;
}

const SEALED = "enc1";
const HASHED = "rc1";

export function isSealed(stored: Secret): boolean {
  return stored.expose().startsWith(`${SEALED}.`);
}

export function isHashed(stored: Secret): boolean {
  return stored.expose().startsWith(`${HASHED}.`);
}

interface Key {
  readonly id: string;
  readonly seal: Buffer;
  readonly hash: Buffer;
}

/** @param texts the keys as configured, the present one first; none: `undefined`. */
export function createSealer(texts: readonly Secret[], random: Random): Sealer | undefined {
  const keys = texts.map(keyOf);
  const [current] = keys;
  if (current === undefined) return undefined;
  const find = (stored: Secret): Key | undefined => keys.find(({ id }) => id === stored.expose().split(".")[1]);
  return {
    seal: (account, secret) => seal(current, random.bytes(12), account, secret),
    open(account, sealed) {
      const key = find(sealed);
      return key === undefined ? undefined : open(key, account, sealed);
    },
    hash: (account, code) => new Secret(digest(current, account, code.expose())),
    isSameCode(account, stored, typed) {
      if (!isHashed(stored)) return isSameCode(stored, typed);
      const key = find(stored);
      return key !== undefined && equals(stored.expose(), digest(key, account, typed));
    },
    isCurrent: (stored) => find(stored) === current,
  };
}

function keyOf(text: Secret): Key {
  const typed = text.expose();
  const bytes = Buffer.from(typed, /^[0-9a-f]{64}$/i.test(typed) ? "hex" : "base64");
  const derive = (purpose: string): Buffer => createHmac("sha256", bytes).update(`moonlatch ${purpose}`).digest();
  return {
    id: createHash("sha256").update(bytes).digest("hex").slice(0, 8),
    seal: derive("seal"),
    hash: derive("hash"),
  };
}

/** A sealed secret that is moved to another account opens nothing there. */
function owner({ name, unique_user_id }: AccountKey): string {
  return unique_user_id ?? name;
}

function seal(key: Key, nonce: Uint8Array, account: AccountKey, secret: Secret): Secret {
  const cipher = createCipheriv("aes-256-gcm", key.seal, nonce).setAAD(Buffer.from(owner(account)));
  const text = Buffer.concat([cipher.update(secret.expose(), "utf8"), cipher.final()]);
  const sealed = Buffer.concat([nonce, text, cipher.getAuthTag()]).toString("base64url");
  return new Secret(`${SEALED}.${key.id}.${sealed}`);
}

function open(key: Key, account: AccountKey, sealed: Secret): Secret | undefined {
  const bytes = Buffer.from(sealed.expose().split(".")[2] ?? "", "base64url");
  if (bytes.length < 28) return undefined;
  try {
    const decipher = createDecipheriv("aes-256-gcm", key.seal, bytes.subarray(0, 12), { authTagLength: 16 })
      .setAAD(Buffer.from(owner(account)))
      .setAuthTag(bytes.subarray(-16));
    return new Secret(decipher.update(bytes.subarray(12, -16), undefined, "utf8") + decipher.final("utf8"));
  } catch {
    return undefined;
  }
}

/** Sixty random bits need no slow hash; the key keeps them from being tried by whoever reads the database. */
function digest(key: Key, account: AccountKey, code: string): string {
  const mac = createHmac("sha256", key.hash)
    .update(JSON.stringify([owner(account), canonicalCode(code)]))
    .digest();
  return `${HASHED}.${key.id}.${mac.subarray(0, 20).toString("base64url")}`;
}

function equals(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}

/**
 * The backend as everybody else sees it: what it stores is sealed on the way there and opened on the way back. Plain values are read as
 * they are. What cannot be opened stays sealed: nobody can use it, and it still counts as a second factor.
 */
export function withSealing(backend: AccountBackend, sealer: Sealer | undefined): AccountBackend {
  if (sealer === undefined) return backend;
  const opened = (account: Account): Account => {
    const { totp_secret: stored } = account;
    if (stored === undefined || !isSealed(stored)) return account;
    return { ...account, totp_secret: sealer.open(account, stored) ?? stored };
  };
  return {
    ...backend,
    async verifyPassword(username, password, context) {
      const outcome = await backend.verifyPassword(username, password, context);
      return outcome.code === "accepted" ? { ...outcome, account: opened(outcome.account) } : outcome;
    },
    async lookup(username, context, name) {
      const outcome = await backend.lookup(username, context, name);
      return outcome.code === "found" ? { ...outcome, account: opened(outcome.account) } : outcome;
    },
    addTotp: (account, secret, context) =>
      backend.addTotp(account, isSealed(secret) ? secret : sealer.seal(account, secret), context),
    addRecoveryCodes: (account, codes, context) =>
      backend.addRecoveryCodes(
        account,
        codes.map((code) => (isHashed(code) ? code : sealer.hash(account, code))),
        context,
      ),
  };
}
