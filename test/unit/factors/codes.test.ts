import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { isSameCode, newRecoveryCodes } from "../../../src/factors/recovery-codes.ts";
import { newTotpSecret, readCode, readTotpKey, stepOf } from "../../../src/factors/totp.ts";
import { Secret } from "../../../src/kernel/index.ts";
import { totpCode } from "../../support/factors.ts";

const random = { bytes: (count: number) => randomBytes(count), id: () => "" };
const at = (seconds: number, window = 1) => ({ now: seconds * 1000, window });

test("the vectors of RFC 6238 are met, in 8 digits and with every algorithm of its appendix B", () => {
  const base32 = {
    sha1: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ",
    sha256: "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQGEZA",
  };
  const vectors = [
    ["SHA1", base32.sha1, 59, "94287082"],
    ["SHA1", base32.sha1, 1_111_111_109, "07081804"],
    ["SHA256", base32.sha256, 59, "46119246"],
    ["SHA256", base32.sha256, 1_111_111_109, "68084774"],
  ] as const;
  for (const [algorithm, secret, time, code] of vectors) {
    const key = readTotpKey(new Secret(`otpauth://totp/x?secret=${secret}&algorithm=${algorithm}&digits=8`));
    assert.ok(key !== undefined);
    assert.equal(stepOf(code, key, at(time)), Math.floor(time / 30), `${algorithm} ${time}`);
  }
});

test("secrets of 80 bits, with spaces, dashes, padding or small letters, and otpauth addresses are read", () => {
  const now = 1_700_000_000;
  for (const [stored, secret] of [
    ["JBSWY3DPEHPK3PXP", "JBSWY3DPEHPK3PXP"],
    ["jbsw y3dp-ehpk 3pxp", "JBSWY3DPEHPK3PXP"],
    ["JBSWY3DPEHPK3PXPJBSWY3DPEE======", "JBSWY3DPEHPK3PXPJBSWY3DPEE"],
    [
      "otpauth://totp/Example:demo?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Example",
      "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
    ],
  ] as const) {
    const key = readTotpKey(new Secret(stored));
    assert.ok(key !== undefined, stored);
    assert.equal(key.secret.expose(), secret);
    assert.notEqual(
      stepOf(
        totpCode(`${secret}${secret.length < 26 ? secret : ""}`, 0, now * 1000),
        { ...key, secret: new Secret(`${secret}${secret.length < 26 ? secret : ""}`) },
        at(now),
      ),
      undefined,
    );
  }
});

test("what nobody can make codes of is unreadable, never taken for something else", () => {
  for (const stored of [
    "",
    "JBSWY3DP",
    "0189OIL!",
    "otpauth://hotp/x?secret=JBSWY3DPEHPK3PXP&counter=1",
    "otpauth://totp/x",
    "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&digits=4",
    "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&period=0",
    "otpauth://totp/x?secret=JBSWY3DPEHPK3PXP&algorithm=MD5",
    "enc1.abcd.x",
  ])
    assert.equal(readTotpKey(new Secret(stored)), undefined, stored);
});

test("a code counts one step before and after, and as far as the window says", () => {
  const secret = newTotpSecret();
  const key = readTotpKey(secret);
  assert.ok(key !== undefined);
  const now = 1_700_000_010;
  const code = (steps: number) => totpCode(secret.expose(), steps, now * 1000);
  for (const [steps, window, counts] of [
    [0, 0, true],
    [1, 0, false],
    [-1, 1, true],
    [1, 1, true],
    [-2, 1, false],
    [2, 1, false],
    [-2, 2, true],
  ] as const)
    assert.equal(stepOf(code(steps), key, at(now, window)) !== undefined, counts, `${steps} in ${window}`);
});

test("codes are read with spaces, dashes, Arabic and Persian digits, and nothing else", () => {
  for (const [typed, code] of [
    ["123456", "123456"],
    [" 123 456 ", "123456"],
    ["123-456", "123456"],
    ["١٢٣٤٥٦", "123456"],
    ["۱۲۳۴۵۶", "123456"],
    ["12345678", "12345678"],
    ["１２３４５６", undefined],
    ["12345", undefined],
    ["123456789", undefined],
    ["1e5000", undefined],
    ["+12345", undefined],
    ["12345६", undefined],
  ] as const)
    assert.equal(readCode(typed), code, typed);
});

test("recovery codes have sixty bits in three groups, and forgive what does not change their meaning", () => {
  const codes = newRecoveryCodes(random);
  assert.equal(new Set(codes.map((code) => code.expose())).size, 10);
  for (const code of codes) assert.match(code.expose(), /^(?:[0-9a-hjkmnp-tv-z]{4}-){2}[0-9a-hjkmnp-tv-z]{4}$/);
  const stored = new Secret("k0m1-xq2p-9fht");
  for (const typed of ["k0m1-xq2p-9fht", "K0M1XQ2P9FHT", " k0m1 xq2p 9fht ", "koml–xq2p–9fht", "KOMI.XQ2P_9FHT"])
    assert.ok(isSameCode(stored, typed), typed);
  for (const typed of ["", "k0m1-xq2p", "k0m1-xq2p-9fhu", "k0m1-xq2p-9fht-0"])
    assert.ok(!isSameCode(stored, typed), typed);
});

test("codes that other systems made are compared letter by letter", () => {
  const stored = new Secret("aB3dE6gH");
  assert.ok(isSameCode(stored, " aB3dE6gH "));
  assert.ok(!isSameCode(stored, "ab3de6gh"));
});
