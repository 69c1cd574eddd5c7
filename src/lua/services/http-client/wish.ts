import { bytesOf, fromBytes, type LuaValue } from "../../values.ts";
import { textOf } from "../text.ts";

/** One request as it goes out. */
export interface Wish {
  readonly method: string;
  /** Without user, password and fragment. */
  readonly url: URL;
  /** Names in lower case; each character of a value is one byte. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer | undefined;
  /** Milliseconds; undefined: as long as the call has. */
  readonly timeout: number | undefined;
}

/** How bodies are framed and where they go is not the script's to say. */
const OURS =
  /^(?:host|content-length|transfer-encoding|connection|keep-alive|upgrade|te|trailer|expect|proxy-authorization|proxy-connection)$/;
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

type Table = Readonly<Record<string, LuaValue>>;

/** Reads `{method, url, options}` of a script. @throws Error that says what is wrong, without the values. */
export function wishOf(item: LuaValue): Wish {
  const [method, address, options] = Array.isArray(item) ? (item as readonly LuaValue[]) : [];
  const given = tableOf(options, "the options");
  const url = urlOf(address);
  const user = url.username;
  const password = url.password;
  url.username = "";
  url.password = "";
  if (typeof given["query"] === "string") url.search = fromBytes(given["query"]);
  const auth = tableOf(given["auth"], "auth");
  const credentials =
    given["auth"] === undefined || given["auth"] === null
      ? user !== "" && Buffer.from(`${decodeURIComponent(user)}:${decodeURIComponent(password)}`)
      : Buffer.from(`${bytesOf(auth["user"])}:${bytesOf(auth["pass"])}`, "latin1");
  const body = given["body"] ?? given["form"] ?? null;
  const cookies = cookiesOf(tableOf(given["cookies"], "cookies"));
  return {
    method: methodOf(method),
    url,
    headers: {
      "user-agent": "moonlatch",
      ...((given["body"] ?? null) === null && body !== null && { "content-type": "application/x-www-form-urlencoded" }),
      ...(cookies !== "" && { cookie: cookies }),
      ...(credentials !== false && { authorization: `Basic ${credentials.toString("base64")}` }),
      ...headersOf(tableOf(given["headers"], "headers")),
    },
    body: body === null ? undefined : Buffer.from(textOf(body, "the body"), "latin1"),
    timeout: timeoutOf(given["timeout"]),
  };
}

/** Whether a request only reads (RFC 9110 section 9.2.1). */
export function isSafe(method: LuaValue | undefined): boolean {
  return /^(?:get|head)$/i.test(bytesOf(method));
}

/** A URL of http or https. @throws Error */
export function urlOf(address: LuaValue | undefined, base?: URL): URL {
  const url = URL.parse(fromBytes(textOf(address, "the address")), base);
  if (url === null) throw new Error("the address is not a URL");
  if (url.protocol !== "http:" && url.protocol !== "https:") throw new Error("the address is neither http nor https");
  url.hash = "";
  return url;
}

function methodOf(method: LuaValue | undefined): string {
  const name = textOf(method, "the method").toUpperCase();
  if (!/^[A-Z]{1,20}$/.test(name) || name === "CONNECT" || name === "TRACE")
    throw new Error("the method is none that can be sent");
  return name;
}

function tableOf(value: LuaValue | undefined, what: string): Table {
  if (value === null || value === undefined) return {};
  if (typeof value !== "object") throw new Error(`${what} must be a table`);
  return value as Table;
}

function headersOf(headers: Table): Table & Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers)
      .map(([name, value]) => [name.toLowerCase(), bytesOf(value)] as const)
      .filter(([name]) => !OURS.test(name)),
  );
}

function cookiesOf(cookies: Table): string {
  return Object.entries(cookies)
    .map(([name, value]) => {
      if (/[;=\s]/.test(name) || bytesOf(value).includes(";"))
        throw new Error("a cookie has a character it cannot have");
      return `${name}=${bytesOf(value)}`;
    })
    .join("; ");
}

/** Seconds, or a duration as Go writes it. */
function timeoutOf(value: LuaValue | undefined): number | undefined {
  if (value === null || value === undefined) return undefined;
  let time = typeof value === "number" ? value * 1_000 : 0;
  if (typeof value === "string" && /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/.test(value))
    for (const [, count, unit = ""] of value.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g))
      time += Number(count) * (UNITS[unit] ?? 0);
  if (!(time > 0)) throw new Error('timeout must be seconds, or such as "5s"');
  return Math.min(Math.ceil(time), 3_600_000);
}
