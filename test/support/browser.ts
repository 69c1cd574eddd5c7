/** A browser without a screen or scripts: keeps cookies by path, follows nothing by itself. */
export interface Visitor {
  get(url: string): Promise<Visit>;
  post(
    url: string,
    fields: Readonly<Record<string, string>>,
    headers?: Readonly<Record<string, string>>,
  ): Promise<Visit>;
}

export interface Visit {
  readonly status: number;
  readonly url: string;
  readonly location: string | undefined;
  readonly headers: Headers;
  readonly body: string;
  /** Value of a hidden or text field. */
  field(name: string): string;
  /** Target of the hand-off page. */
  readonly handoff: string | undefined;
}

export interface Cookie {
  readonly name: string;
  readonly value: string;
  readonly path: string;
}

/** What a browser keeps, by path and name. */
export type Jar = Map<string, Cookie>;

/** @param jar kept elsewhere where a test steals, plants or copies cookies. */
export function createVisitor(jar: Jar = new Map()): Visitor {
  const cookiesFor = (url: URL): string =>
    [...jar.values()]
      .filter(({ path }) => url.pathname === path || path === "/" || url.pathname.startsWith(`${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
      .join("; ");
  const store = (headers: Headers): void => {
    for (const line of headers.getSetCookie()) {
      const [pair = "", ...attributes] = line.split(/; */);
      const name = pair.slice(0, pair.indexOf("="));
      const value = pair.slice(pair.indexOf("=") + 1);
      const path = attributes.find((part) => /^path=/i.test(part))?.slice(5) ?? "/";
      const isGone = value === "" || attributes.some((part) => /^expires=Thu, 01 Jan 1970/i.test(part));
      if (isGone) jar.delete(`${path} ${name}`);
      else jar.set(`${path} ${name}`, { name, value, path });
    }
  };
  const visit = async (address: string, init: RequestInit): Promise<Visit> => {
    const url = new URL(address);
    const headers = {
      cookie: cookiesFor(url),
      accept: "text/html",
      ...(init.headers as Record<string, string> | undefined),
    };
    const response = await fetch(url, { ...init, headers, redirect: "manual" });
    store(response.headers);
    const body = await response.text();
    const location = response.headers.get("location");
    return {
      status: response.status,
      url: url.href,
      location: location === null ? undefined : new URL(location, url).href,
      headers: response.headers,
      body,
      field: (name) => new RegExp(`name="${name}"[^>]* value="([^"]*)"`).exec(body)?.[1] ?? "",
      handoff: /http-equiv="refresh" content="\d;url=([^"]+)"/.exec(body)?.[1]?.replaceAll("&amp;", "&"),
    };
  };
  return {
    get: (url) => visit(url, { method: "GET" }),
    post: (url, fields, headers = {}) =>
      visit(url, {
        method: "POST",
        body: new URLSearchParams(fields).toString(),
        headers: { "content-type": "application/x-www-form-urlencoded", origin: new URL(url).origin, ...headers },
      }),
  };
}

/** Follows redirects while they stay on `origin`. */
export async function follow(visitor: Visitor, visit: Visit, origin: string): Promise<Visit> {
  let at = visit;
  for (let hops = 0; hops < 10 && at.location?.startsWith(`${origin}/`) === true; hops += 1)
    at = await visitor.get(at.location);
  return at;
}
