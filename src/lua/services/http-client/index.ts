/** `glua_http` and `http`: requests to granted hosts. */
import { lookup } from "node:dns/promises";
import { type LuaValue, toBytes } from "../../values.ts";
import type { Grants } from "../port.ts";
import { type Answer, type Budget, exchange } from "./exchange.ts";
import { failureText } from "./failure.ts";
import { createOutlet, type Outlet, type Resolve } from "./outlet.ts";
import { isSafe, type Wish, wishOf } from "./wish.ts";

const MOST_REQUESTS = 32;
const MOST_BYTES = 8 * 1024 * 1024;

type HttpGrants = Pick<Grants, "hosts" | "ca_file">;

export interface HttpService {
  /** Sends a list of `{method, url, options}` at once; answers a list of responses, or of `{error}` where one failed. */
  send(grants: HttpGrants, requests: LuaValue | undefined, signal: AbortSignal): Promise<LuaValue>;
  isReadOnly(requests: LuaValue | undefined): boolean;
  close(): void;
}

/** `resolve` finds the addresses of a name; default: the system. */
export function createHttpService(resolve: Resolve = (name) => lookup(name, { all: true })): HttpService {
  const outlets = new Map<string, Outlet>();
  const once = shared(resolve);
  const outletOf = ({ hosts = [], ca_file }: HttpGrants): Outlet => {
    const key = JSON.stringify([hosts, ca_file]);
    const outlet = outlets.get(key) ?? createOutlet(hosts, ca_file, once);
    outlets.set(key, outlet);
    return outlet;
  };
  return {
    async send(grants, requests, signal) {
      const list = listOf(requests);
      if (list.length > MOST_REQUESTS) throw new Error(`a batch has over ${MOST_REQUESTS} requests`);
      const outlet = outletOf(grants);
      const budget: Budget = { left: MOST_BYTES };
      return await Promise.all(list.map((item) => ask(outlet, item, signal, budget)));
    },
    isReadOnly: (requests) => listOf(requests).every((item) => Array.isArray(item) && isSafe(item[0] as LuaValue)),
    close() {
      for (const outlet of outlets.values()) outlet.close();
    },
  };
}

function listOf(requests: LuaValue | undefined): readonly LuaValue[] {
  return Array.isArray(requests) ? (requests as readonly LuaValue[]) : [];
}

/** One request of a list: what is wrong with it never stops the others. */
async function ask(outlet: Outlet, item: LuaValue, signal: AbortSignal, budget: Budget): Promise<LuaValue> {
  let wish: Wish;
  try {
    wish = wishOf(item);
  } catch (error) {
    return { error: error instanceof Error ? error.message : "the request cannot be read" };
  }
  const timer = wish.timeout === undefined ? undefined : AbortSignal.timeout(wish.timeout);
  try {
    const until = timer === undefined ? signal : AbortSignal.any([signal, timer]);
    return valueOf(await exchange(outlet, wish, until, budget));
  } catch (error) {
    const why = timer?.aborted === true ? `no answer within ${(wish.timeout ?? 0) / 1000} s` : failureText(error);
    return { error: toBytes(`${wish.url.origin}: ${why}`) };
  }
}

/** As `glua_http` has it: names of headers in their canonical form, the first value of each. */
function valueOf({ url, status, headers, body }: Answer): LuaValue {
  const named: Record<string, string> = Object.create(null) as Record<string, string>;
  const cookies: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let index = 0; index < headers.length; index += 2) {
    const name = (headers[index] ?? "").toLowerCase().replaceAll(/(?:^|-)[a-z]/g, (letter) => letter.toUpperCase());
    const value = headers[index + 1] ?? "";
    named[name] ??= value;
    const [, cookie, text = ""] = (name === "Set-Cookie" && /^\s*([^=;\s]+)\s*=\s*([^;]*)/.exec(value)) || [];
    if (cookie !== undefined) cookies[cookie] = text.trim();
  }
  return {
    status_code: status,
    body: body.toString("latin1"),
    body_size: body.length,
    headers: named,
    cookies,
    url: toBytes(url.href),
  };
}

/** Asks once for all who want the same name now: the system looks up few names at a time. */
function shared(resolve: Resolve): Resolve {
  const running = new Map<string, ReturnType<Resolve>>();
  return (name) => {
    const found = running.get(name) ?? resolve(name).finally(() => running.delete(name));
    running.set(name, found);
    return found;
  };
}
