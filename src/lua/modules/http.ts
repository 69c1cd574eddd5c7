import { attempt, type Helper } from "../helper.ts";
import { bytesOf, fromBytes, type LuaValue, toBytes } from "../values.ts";

type Table = Readonly<Record<string, LuaValue>>;

/** Host functions of `http`: URLs taken apart and put together. */
export const httpFunctions: Readonly<Record<string, Helper>> = {
  parse_url: (text) => attempt(() => partsOf(fromBytes(bytesOf(text)))),
  build_url: (parts) =>
    attempt(() => toBytes(urlFrom(typeof parts === "object" && parts !== null ? (parts as Table) : {}))),
};

function partsOf(text: string): LuaValue {
  const url = URL.parse(text);
  if (url === null) throw new Error("the address is not a URL");
  const names = [...new Set(url.searchParams.keys())];
  return {
    scheme: toBytes(url.protocol.slice(0, -1)),
    host: toBytes(url.host),
    port: url.port,
    path: toBytes(decodeURIComponent(url.pathname)),
    raw_query: toBytes(url.search.slice(1)),
    query: Object.fromEntries(names.map((name) => [toBytes(name), url.searchParams.getAll(name).map(toBytes)])),
    ...(url.username !== "" && {
      user: {
        username: toBytes(decodeURIComponent(url.username)),
        ...(url.password !== "" && { password: toBytes(decodeURIComponent(url.password)) }),
      },
    }),
  };
}

function urlFrom(parts: Table): string {
  const text = (value: LuaValue | undefined): string => fromBytes(bytesOf(value));
  const url = URL.parse(`${text(parts["scheme"])}://${text(parts["host"])}`);
  if (url === null) throw new Error("scheme and host make no URL");
  const user = (parts["user"] ?? {}) as Table;
  url.username = text(user["username"]);
  url.password = text(user["password"]);
  url.pathname = text(parts["path"]);
  const query = new URLSearchParams();
  for (const [name, values] of Object.entries((parts["query"] ?? {}) as Table))
    for (const value of (Array.isArray(values) ? values : [values]) as readonly LuaValue[])
      query.append(fromBytes(name), text(value));
  query.sort();
  url.search = query.size > 0 ? query.toString() : text(parts["raw_query"]);
  return url.href;
}
