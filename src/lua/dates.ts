import { DAYS, MONTHS, twoDigits } from "./calendar.ts";
import type { LuaValue } from "./values.ts";

/** `os.date`: strftime's common letters, `*t`, and `!` for UTC. `when` is seconds since the epoch. */
export function formatDate(format: string, when: number): LuaValue {
  const isUtc = format.startsWith("!");
  const pattern = isUtc ? format.slice(1) : format;
  const parts = partsOf(new Date(when * 1000), isUtc);
  if (pattern.startsWith("*t")) return { ...parts, isdst: false };
  return pattern.replaceAll(/%(.)/g, (whole, letter: string) => LETTERS[letter]?.(parts) ?? whole);
}

type Parts = Readonly<Record<"year" | "month" | "day" | "hour" | "min" | "sec" | "wday" | "yday", number>>;

function partsOf(date: Date, isUtc: boolean): Parts {
  const local = isUtc ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  const year = local.getUTCFullYear();
  return {
    year,
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    min: local.getUTCMinutes(),
    sec: local.getUTCSeconds(),
    wday: local.getUTCDay() + 1,
    yday: Math.floor((local.getTime() - Date.UTC(year, 0, 1)) / 86_400_000) + 1,
  };
}

const day = (parts: Parts): string => DAYS[parts.wday - 1] ?? "";
const month = (parts: Parts): string => MONTHS[parts.month - 1] ?? "";
const clock = (parts: Parts): string => `${twoDigits(parts.hour)}:${twoDigits(parts.min)}:${twoDigits(parts.sec)}`;

const LETTERS: Readonly<Record<string, (parts: Parts) => string>> = {
  Y: (p) => String(p.year),
  y: (p) => twoDigits(p.year % 100),
  m: (p) => twoDigits(p.month),
  d: (p) => twoDigits(p.day),
  H: (p) => twoDigits(p.hour),
  I: (p) => twoDigits(p.hour % 12 || 12),
  M: (p) => twoDigits(p.min),
  S: (p) => twoDigits(p.sec),
  p: (p) => (p.hour < 12 ? "AM" : "PM"),
  A: day,
  a: (p) => day(p).slice(0, 3),
  B: month,
  b: (p) => month(p).slice(0, 3),
  j: (p) => String(p.yday).padStart(3, "0"),
  w: (p) => String(p.wday - 1),
  X: clock,
  x: (p) => `${twoDigits(p.month)}/${twoDigits(p.day)}/${twoDigits(p.year % 100)}`,
  D: (p) => `${twoDigits(p.month)}/${twoDigits(p.day)}/${twoDigits(p.year % 100)}`,
  F: (p) => `${p.year}-${twoDigits(p.month)}-${twoDigits(p.day)}`,
  T: clock,
  c: (p) => `${day(p).slice(0, 3)} ${month(p).slice(0, 3)} ${String(p.day).padStart(2)} ${clock(p)} ${p.year}`,
  Z: () => "UTC",
  "%": () => "%",
};
