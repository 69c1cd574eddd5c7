import { DAYS, MONTHS, twoDigits } from "./calendar.ts";

/** Parts of a moment in one time zone. */
interface Moment {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly weekday: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly fraction: number;
  /** Minutes east of UTC. */
  readonly offset: number;
  readonly zone: string;
}

/** Go's layout elements, longest first: a layout is the reference time `Mon Jan 2 15:04:05 MST 2006` as it should look. */
const ELEMENTS =
  /January|Monday|Jan|Mon|MST|2006|-07:00|-0700|-07|Z07:00|Z0700|15|01|02|_2|03|04|05|06|PM|pm|\.0+|\.9+|1|2|3|4|5/g;

/** `time.format`: seconds since the epoch as a Go layout says. @throws Error for an unknown time zone. */
export function formatGo(seconds: number, layout: string, zone: string): string {
  const moment = momentOf(seconds, zone);
  return layout.replaceAll(ELEMENTS, (element) => render(element, moment));
}

/** `time.parse`: seconds since the epoch of a text in a Go layout. Without an offset in it, `zone` counts. @throws Error */
export function parseGo(text: string, layout: string, zone: string): number {
  const names: string[] = [];
  const literal = (part: string): string => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  let pattern = "";
  let from = 0;
  for (const match of layout.matchAll(ELEMENTS)) {
    pattern += literal(layout.slice(from, match.index)) + capture(match[0]);
    names.push(match[0]);
    from = match.index + match[0].length;
  }
  const found = new RegExp(`^${pattern}${literal(layout.slice(from))}$`, "i").exec(text);
  if (found === null) throw new Error(`cannot parse "${text}" as "${layout}"`);
  const parts = {
    year: 0,
    month: 1,
    day: 1,
    hour: 0,
    minute: 0,
    second: 0,
    isPm: undefined as boolean | undefined,
    offset: undefined as number | undefined,
  };
  names.forEach((name, index) => read(parts, name, found[index + 1] ?? ""));
  const hour = parts.isPm === undefined ? parts.hour : (parts.hour % 12) + (parts.isPm ? 12 : 0);
  const utc = Date.UTC(parts.year, parts.month - 1, parts.day, hour, parts.minute) / 1000 + parts.second;
  const offset = parts.offset ?? momentOf(utc - momentOf(utc, zone).offset * 60, zone).offset;
  return utc - offset * 60;
}

function momentOf(seconds: number, zone: string): Moment {
  const date = new Date(seconds * 1000);
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "numeric",
      day: "numeric",
      hour: "numeric",
      minute: "numeric",
      second: "numeric",
      timeZoneName: "short",
    });
  } catch {
    throw new Error(`unknown time zone ${zone}`);
  }
  const parts = Object.fromEntries(format.formatToParts(date).map(({ type, value }) => [type, value]));
  const at = (name: string): number => Number(parts[name]);
  const local = Date.UTC(at("year"), at("month") - 1, at("day"), at("hour"), at("minute"), at("second"));
  return {
    year: at("year"),
    month: at("month"),
    day: at("day"),
    hour: at("hour"),
    minute: at("minute"),
    second: at("second"),
    weekday: new Date(local).getUTCDay(),
    fraction: seconds - Math.floor(seconds),
    offset: Math.round((local / 1000 - Math.floor(seconds)) / 60),
    zone: parts["timeZoneName"] ?? "UTC",
  };
}

function offsetText({ offset }: Moment, separator: string): string {
  const size = Math.abs(offset);
  return `${offset < 0 ? "-" : "+"}${twoDigits(Math.floor(size / 60))}${separator}${twoDigits(size % 60)}`;
}

const RENDER: Readonly<Record<string, (moment: Moment) => string>> = {
  January: (m) => MONTHS[m.month - 1] ?? "",
  Jan: (m) => (MONTHS[m.month - 1] ?? "").slice(0, 3),
  "01": (m) => twoDigits(m.month),
  "1": (m) => String(m.month),
  Monday: (m) => DAYS[m.weekday] ?? "",
  Mon: (m) => (DAYS[m.weekday] ?? "").slice(0, 3),
  "02": (m) => twoDigits(m.day),
  _2: (m) => String(m.day).padStart(2),
  "2": (m) => String(m.day),
  "2006": (m) => String(m.year),
  "06": (m) => twoDigits(m.year % 100),
  "15": (m) => twoDigits(m.hour),
  "03": (m) => twoDigits(m.hour % 12 || 12),
  "3": (m) => String(m.hour % 12 || 12),
  "04": (m) => twoDigits(m.minute),
  "4": (m) => String(m.minute),
  "05": (m) => twoDigits(m.second),
  "5": (m) => String(m.second),
  PM: (m) => (m.hour < 12 ? "AM" : "PM"),
  pm: (m) => (m.hour < 12 ? "am" : "pm"),
  MST: (m) => m.zone,
  "-07:00": (m) => offsetText(m, ":"),
  "-0700": (m) => offsetText(m, ""),
  "-07": (m) => offsetText(m, "").slice(0, 3),
  "Z07:00": (m) => (m.offset === 0 ? "Z" : offsetText(m, ":")),
  Z0700: (m) => (m.offset === 0 ? "Z" : offsetText(m, "")),
};

function render(element: string, moment: Moment): string {
  if (!element.startsWith(".")) return RENDER[element]?.(moment) ?? element;
  const digits = moment.fraction.toFixed(element.length - 1).slice(1);
  return element.startsWith(".9") ? digits.replace(/\.?0+$/, "") : digits;
}

function capture(element: string): string {
  if (element.startsWith(".")) return "(\\.\\d+)?";
  if (element === "January" || element === "Jan" || element === "Monday" || element === "Mon") return "([A-Za-z]+)";
  if (element === "MST") return "([A-Z]{3,5}|GMT[+-]\\d+)";
  if (element === "PM" || element === "pm") return "(AM|PM)";
  if (element.startsWith("-07") || element.startsWith("Z07")) return "(Z|[+-]\\d{2}(?::?\\d{2})?)";
  return element === "2006" ? "(\\d{4})" : "\\s?(\\d{1,2})";
}

type Parts = {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
  isPm: boolean | undefined;
  offset: number | undefined;
};

const READ: Readonly<Record<string, (parts: Parts, text: string) => void>> = {
  "2006": (p, t) => (p.year = Number(t)),
  "06": (p, t) => (p.year = Number(t) + (Number(t) < 69 ? 2000 : 1900)),
  "01": (p, t) => (p.month = Number(t)),
  "1": (p, t) => (p.month = Number(t)),
  "02": (p, t) => (p.day = Number(t)),
  _2: (p, t) => (p.day = Number(t)),
  "2": (p, t) => (p.day = Number(t)),
  "15": (p, t) => (p.hour = Number(t)),
  "03": (p, t) => (p.hour = Number(t)),
  "3": (p, t) => (p.hour = Number(t)),
  "04": (p, t) => (p.minute = Number(t)),
  "4": (p, t) => (p.minute = Number(t)),
  "05": (p, t) => (p.second += Number(t)),
  "5": (p, t) => (p.second += Number(t)),
  PM: (p, t) => (p.isPm = t.toUpperCase() === "PM"),
  pm: (p, t) => (p.isPm = t.toUpperCase() === "PM"),
};

function read(parts: Parts, element: string, text: string): void {
  if (element.startsWith(".")) parts.second += Number(text || 0);
  else if (element === "January" || element === "Jan") parts.month = monthNumber(text);
  else if (element.startsWith("-07") || element.startsWith("Z07")) parts.offset = offsetOf(text);
  else if (element === "MST" && /^(?:UTC|GMT)$/.test(text)) parts.offset = 0;
  else READ[element]?.(parts, text);
}

function monthNumber(text: string): number {
  const index = MONTHS.findIndex((name) => name.slice(0, 3).toLowerCase() === text.slice(0, 3).toLowerCase());
  if (index === -1) throw new Error(`unknown month ${text}`);
  return index + 1;
}

function offsetOf(text: string): number {
  const [, sign, hours = "0", minutes = "0"] = /^([+-])(\d{2}):?(\d{2})?$/.exec(text) ?? [];
  return (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
}
