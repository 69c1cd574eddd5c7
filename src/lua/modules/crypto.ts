import { createCipheriv, createDecipheriv, createHash, createHmac } from "node:crypto";
import { crc32 } from "node:zlib";
import { attempt, bufferOf, type Helper } from "../helper.ts";
import { bytesOf, type LuaValue } from "../values.ts";

const DIGESTS: ReadonlySet<string> = new Set(["md5", "sha1", "sha256", "sha512"]);
const KEY_BITS: ReadonlySet<number> = new Set([128, 192, 256]);
/** Modes of `crypto`, by number. */
const MODES: Readonly<Record<number, string>> = { 1: "gcm", 2: "cbc", 3: "ctr" };
const TAG = 16;

/** Host functions of `glua_crypto`, `crypto`, `base64` and `hex`. */
export const cryptoFunctions: Readonly<Record<string, Helper>> = {
  digest: (algorithm, data, raw) => {
    const hash = createHash(digestName(algorithm)).update(bufferOf(data));
    return [hash.digest().toString(raw === true ? "latin1" : "hex")];
  },
  hmac: (algorithm, data, key, raw) =>
    attempt(() =>
      createHmac(digestName(algorithm), bufferOf(key))
        .update(bufferOf(data))
        .digest()
        .toString(raw === true ? "latin1" : "hex"),
    ),
  crc32: (data, raw) => {
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(bufferOf(data)));
    return [sum.toString(raw === true ? "latin1" : "hex")];
  },
  hex_encode: (data) => [bufferOf(data).toString("hex")],
  hex_decode: (text) => attempt(() => fromHex(bytesOf(text)).toString("latin1")),
  base64_encode: (data, isUrl, isRaw) => {
    const text = bufferOf(data).toString("base64");
    const padded = isRaw === true ? text.replace(/=+$/, "") : text;
    return [isUrl === true ? padded.replaceAll("+", "-").replaceAll("/", "_") : padded];
  },
  base64_decode: (text, isUrl, isRaw) =>
    attempt(() => fromBase64(bytesOf(text), { isUrl: isUrl === true, isRaw: isRaw === true }).toString("latin1")),
  // As glua_crypto has it: by name, padded to blocks.
  encrypt: (data, method, key, ...[iv, zeroes]) =>
    attempt(() => blockCipher(bufferOf(data), { method, key, iv, zeroes: zeroes === true }).toString("latin1")),
  decrypt: (data, method, key, ...[iv, zeroes]) =>
    attempt(() => blockDecipher(bufferOf(data), { method, key, iv, zeroes: zeroes === true }).toString("latin1")),
  // As gopher-lua-libs has it: by mode.
  aes_encrypt: (mode, key, iv, data) =>
    attempt(() => aesEncrypt(aesOf(mode, key, iv), bufferOf(data)).toString("latin1")),
  aes_decrypt: (mode, key, iv, data) =>
    attempt(() => aesDecrypt(aesOf(mode, key, iv), bufferOf(data)).toString("latin1")),
};

function digestName(algorithm: LuaValue | undefined): string {
  const name = bytesOf(algorithm);
  if (!DIGESTS.has(name)) throw new Error(`unsupported hash ${name.slice(0, 32)}; one of ${[...DIGESTS].join(", ")}`);
  return name;
}

function fromHex(text: string): Buffer {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) throw new Error("the text is not hexadecimal");
  return Buffer.from(text, "hex");
}

/** Strictly one alphabet, with or without padding; line ends do not count. */
function fromBase64(text: string, { isUrl, isRaw }: { isUrl: boolean; isRaw: boolean }): Buffer {
  const bare = text.replaceAll(/[\r\n]/g, "");
  const [, body = "", padding = ""] = /^([^=]*)(={0,2})$/.exec(bare) ?? [];
  const isAlphabet = (isUrl ? /^[\w-]*$/ : /^[A-Za-z0-9+/]*$/).test(body);
  const isWhole = isRaw ? padding === "" && body.length % 4 !== 1 : bare.length % 4 === 0;
  if (bare !== body + padding || !isAlphabet || !isWhole) throw new Error("the text is not base64 of this kind");
  return Buffer.from(body, isUrl ? "base64url" : "base64");
}

interface Cipher {
  readonly method: LuaValue | undefined;
  readonly key: LuaValue | undefined;
  readonly iv: LuaValue | undefined;
  readonly zeroes: boolean;
}

/** A cipher of OpenSSL. DES is three times DES with one key: OpenSSL has no other DES any more. */
function cipherOf({ method, key, iv }: Cipher): {
  name: string;
  keyBytes: Buffer;
  ivBytes: Buffer | null;
  block: number;
} {
  const name = bytesOf(method);
  const given = bufferOf(key);
  const ivBytes = bufferOf(iv);
  if (name === "aes-cbc") {
    checkSizes("AES", given, ivBytes, 16);
    return { name: `aes-${given.length * 8}-cbc`, keyBytes: given, ivBytes, block: 16 };
  }
  if (name !== "des-cbc" && name !== "des-ecb")
    throw new Error(`unsupported encrypt method ${name.slice(0, 32)}; one of aes-cbc, des-cbc, des-ecb`);
  if (given.length !== 8) throw new Error("a key of DES has 8 bytes");
  const isEcb = name === "des-ecb";
  if (!isEcb && ivBytes.length !== 8) throw new Error("an IV of DES has 8 bytes");
  const keyBytes = Buffer.concat([given, given, given]);
  return { name: isEcb ? "des-ede3" : "des-ede3-cbc", keyBytes, ivBytes: isEcb ? null : ivBytes, block: 8 };
}

function checkSizes(name: string, key: Buffer, iv: Buffer, size: number): void {
  if (!KEY_BITS.has(key.length * 8)) throw new Error(`a key of ${name} has 16, 24 or 32 bytes, not ${key.length}`);
  if (iv.length !== size) throw new Error(`an IV of ${name} has ${size} bytes here, not ${iv.length}`);
}

function blockCipher(data: Buffer, settings: Cipher): Buffer {
  const { name, keyBytes, ivBytes, block } = cipherOf(settings);
  const cipher = createCipheriv(name, keyBytes, ivBytes).setAutoPadding(!settings.zeroes);
  const missing = settings.zeroes ? (block - (data.length % block)) % block : 0;
  return Buffer.concat([cipher.update(data), cipher.update(Buffer.alloc(missing)), cipher.final()]);
}

function blockDecipher(data: Buffer, settings: Cipher): Buffer {
  const { name, keyBytes, ivBytes, block } = cipherOf(settings);
  if (data.length === 0 || data.length % block !== 0)
    throw new Error(`the data is not made of blocks of ${block} bytes`);
  const decipher = createDecipheriv(name, keyBytes, ivBytes).setAutoPadding(!settings.zeroes);
  const plain = finish(() => Buffer.concat([decipher.update(data), decipher.final()]));
  if (!settings.zeroes) return plain;
  return plain.subarray(0, plain.findLastIndex((byte) => byte !== 0) + 1);
}

interface Aes {
  readonly mode: string;
  readonly key: Buffer;
  readonly iv: Buffer;
}

function aesOf(mode: LuaValue | undefined, key: LuaValue | undefined, iv: LuaValue | undefined): Aes {
  const name = MODES[Number(mode)];
  if (name === undefined) throw new Error("unsupported mode; 1 is GCM, 2 is CBC, 3 is CTR");
  const aes = { mode: name, key: bufferOf(key), iv: bufferOf(iv) };
  checkSizes("AES", aes.key, aes.iv, name === "gcm" ? 12 : 16);
  return aes;
}

function aesEncrypt({ mode, key, iv }: Aes, data: Buffer): Buffer {
  if (mode !== "gcm") {
    const cipher = createCipheriv(`aes-${key.length * 8}-${mode}`, key, iv);
    return Buffer.concat([cipher.update(data), cipher.final()]);
  }
  const cipher = createCipheriv(gcm(key), key, iv);
  return Buffer.concat([cipher.update(data), cipher.final(), cipher.getAuthTag()]);
}

function aesDecrypt({ mode, key, iv }: Aes, data: Buffer): Buffer {
  if (mode !== "gcm") {
    const decipher = createDecipheriv(`aes-${key.length * 8}-${mode}`, key, iv);
    return finish(() => Buffer.concat([decipher.update(data), decipher.final()]));
  }
  if (data.length < TAG) throw new Error("the data is too short");
  const decipher = createDecipheriv(gcm(key), key, iv, { authTagLength: TAG });
  decipher.setAuthTag(data.subarray(-TAG));
  return finish(() => Buffer.concat([decipher.update(data.subarray(0, -TAG)), decipher.final()]));
}

function gcm(key: Buffer): "aes-128-gcm" | "aes-192-gcm" | "aes-256-gcm" {
  return `aes-${key.length * 8}-gcm` as "aes-128-gcm";
}

/** OpenSSL's own words for a wrong key are its own secret. */
function finish(work: () => Buffer): Buffer {
  try {
    return work();
  } catch {
    throw new Error("the data cannot be decrypted with this key");
  }
}
