/** Numbers as C's printf and Lua 5.1 write them. Decimal digits are exact, and a tie goes to the even digit. */

/** What `tostring` gives. Whole numbers stand in full up to 2^63, as in the interpreter scripts were written for: ids must survive. */
export function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 63) return value.toFixed(0);
  return general(value, { precision: 14, isAlternate: false });
}

export interface Conversion {
  /** Of `diuoxXeEfgG`. */
  readonly letter: string;
  /** Of `-+ #0`. */
  readonly flags: string;
  readonly width: number;
  readonly precision: number | undefined;
}

/** A number by one conversion of `string.format`. @throws Error for whole numbers that are none. */
export function formatNumber(value: number, { letter, flags, width, precision }: Conversion): string {
  const isWhole = WHOLE.includes(letter);
  const shape = { flags, precision };
  const magnitude = isWhole ? wholeDigits(value, letter, shape) : realDigits(value, letter, shape);
  const sign = UNSIGNED.includes(letter) ? "" : signOf(isWhole ? Math.trunc(value) + 0 : value, flags);
  if (flags.includes("-")) return (sign + magnitude).padEnd(width);
  const fillsZeroes = flags.includes("0") && Number.isFinite(value) && !(isWhole && precision !== undefined);
  if (!fillsZeroes) return (sign + magnitude).padStart(width);
  const prefix = /^0x/i.exec(magnitude)?.[0] ?? "";
  return sign + prefix + magnitude.slice(prefix.length).padStart(width - sign.length - prefix.length, "0");
}

const WHOLE = "diuoxX";
const UNSIGNED = "uoxX";

function signOf(value: number, flags: string): string {
  if (value < 0 || Object.is(value, -0)) return "-";
  if (flags.includes("+")) return "+";
  return flags.includes(" ") ? " " : "";
}

type Shape = Pick<Conversion, "flags" | "precision">;

function wholeDigits(value: number, letter: string, { flags, precision = 1 }: Shape): string {
  if (!(Math.abs(value) < 2 ** 63)) throw new Error("number has no integer representation");
  const whole = BigInt(Math.trunc(value));
  const unsigned = BigInt.asUintN(64, whole);
  const radix = { o: 8, x: 16, X: 16 }[letter] ?? 10;
  const magnitude = whole < 0n ? -whole : whole;
  const digits = ("uoxX".includes(letter) ? unsigned : magnitude).toString(radix).padStart(precision, "0");
  if (!flags.includes("#") || unsigned === 0n) return letter === "X" ? digits.toUpperCase() : digits;
  if (letter === "o") return `0${digits}`;
  return letter === "X" ? `0X${digits.toUpperCase()}` : letter === "x" ? `0x${digits}` : digits;
}

function realDigits(value: number, letter: string, { flags, precision = 6 }: Shape): string {
  const positive = Math.abs(value);
  if (!Number.isFinite(value)) return special(positive, letter);
  if (letter === "f") return fixed(positive, precision);
  const isAlternate = flags.includes("#");
  const text =
    letter.toLowerCase() === "e" ? exponential(positive, precision) : general(positive, { precision, isAlternate });
  return letter === letter.toLowerCase() ? text : text.toUpperCase();
}

function special(value: number, letter = "g"): string {
  const text = Number.isNaN(value) ? "nan" : value < 0 ? "-inf" : "inf";
  return letter === letter.toLowerCase() ? text : text.toUpperCase();
}

/** `%g`: with an exponent when that is below -4 or not below the precision. */
function general(value: number, { precision, isAlternate }: { precision: number; isAlternate: boolean }): string {
  if (!Number.isFinite(value)) return special(value);
  if (value < 0) return `-${general(-value, { precision, isAlternate })}`;
  const count = Math.max(precision, 1);
  const { exponent } = rounded(value, count);
  const hasExponent = exponent < -4 || exponent >= count;
  const text = hasExponent ? exponential(value, count - 1) : fixed(value, count - 1 - exponent);
  const [mantissa = "", power] = text.split("e");
  const hasPoint = mantissa.includes(".");
  const shown = isAlternate ? mantissa + (hasPoint ? "" : ".") : hasPoint ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return power === undefined ? shown : `${shown}e${power}`;
}

function exponential(value: number, precision: number): string {
  const { digits, exponent } = rounded(value, precision + 1);
  const mantissa = precision === 0 ? digits : `${digits.slice(0, 1)}.${digits.slice(1)}`;
  return `${mantissa}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
}

function fixed(value: number, decimals: number): string {
  const count = Number(value.toExponential().split("e")[1]) + 1 + decimals;
  const { digits, exponent } = count < 0 ? { digits: "", exponent: 0 } : rounded(value, count);
  // The digits end where the decimals do; rounding may have made one more.
  const scaled = digits.padEnd(Math.max(exponent + 1 + decimals, 0), "0").padStart(decimals + 1, "0");
  return decimals === 0 ? scaled : `${scaled.slice(0, -decimals)}.${scaled.slice(-decimals)}`;
}

const QUICK = 20;
/** As many digits as JavaScript gives: every digit of what is not tiny. */
const EXACT = 100;

function split(text: string): { readonly digits: string; readonly exponent: number } {
  const [mantissa = "", power = ""] = text.split("e");
  return { digits: mantissa.replace(".", ""), exponent: Number(power) };
}

/** The first `count` decimal digits, and the exponent of the first. */
function rounded(value: number, count: number): { readonly digits: string; readonly exponent: number } {
  if (value === 0) return { digits: "0".repeat(Math.max(count, 1)), exponent: 0 };
  if (count >= 1 && count <= QUICK) {
    // JavaScript rounds as C does, but for ties: a value that has exactly one digit more, a 5.
    const more = value.toExponential(count);
    if (!/5e/.test(more) || Number(more) !== value) return split(value.toExponential(count - 1));
  }
  const { digits: all, exponent } = split(value.toExponential(EXACT));
  const head = all.slice(0, count);
  const tail = all.slice(count);
  const isTie = /^50*$/.test(tail);
  const isUp = isTie ? Number(head.at(-1) ?? 0) % 2 === 1 : (tail[0] ?? "0") >= "5";
  if (!isUp) return { digits: head.padEnd(count, "0"), exponent };
  const more = String(BigInt(head === "" ? "0" : head) + 1n).padStart(count, "0");
  return more.length > count
    ? { digits: more.slice(0, Math.max(count, 1)), exponent: exponent + 1 }
    : { digits: more, exponent };
}
