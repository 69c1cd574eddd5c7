import { urlOf, type Wish } from "./wish.ts";

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/** What goes along to another origin. Anything else may be a credential. */
const HARMLESS = /^(?:accept|accept-language|accept-encoding|content-type|user-agent)$/;

/**
 * The request an answer sends on to, or undefined. After 301, 302 and 303 everything but HEAD becomes a GET (RFC 9110 section 15.4).
 * @throws Error for a redirect that leads out of TLS or to something that is no address.
 */
export function redirectOf(wish: Wish, status: number, location: string | undefined): Wish | undefined {
  if (location === undefined || !REDIRECTS.has(status)) return undefined;
  const url = urlOf(location, wish.url);
  url.username = "";
  url.password = "";
  if (wish.url.protocol === "https:" && url.protocol === "http:") throw new Error("it redirects from https to http");
  const keepsBody = status >= 307 || wish.method === "GET" || wish.method === "HEAD";
  const headers = Object.entries(wish.headers).filter(
    ([name]) => (url.origin === wish.url.origin || HARMLESS.test(name)) && (keepsBody || !name.startsWith("content-")),
  );
  return {
    ...wish,
    url,
    headers: Object.fromEntries(headers),
    ...(!keepsBody && { method: "GET", body: undefined }),
  };
}
