/** Secret of every confidential application of the protocol tests. */
export const SECRET = "a-secret-of-the-test-application";

export const FORM = "application/x-www-form-urlencoded";

export function basic(client: string, secret = SECRET): Readonly<Record<string, string>> {
  return { authorization: `Basic ${Buffer.from(`${client}:${secret}`).toString("base64")}` };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, where it is a JSON object; else an empty one. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** One request to an endpoint; nothing is followed. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: "manual", ...init });
  const text = await response.text();
  return { status: response.status, headers: response.headers, text, json: objectOf(text) };
}

/** A form posted to an endpoint. */
export function post(
  url: string,
  fields: Readonly<Record<string, string>> | string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const body = typeof fields === "string" ? fields : new URLSearchParams(fields).toString();
  return send(url, { method: "POST", headers: { "content-type": FORM, ...headers }, body });
}

/** The claims of a JWT, unverified. */
export function claimsOf(jwt: unknown): Readonly<Record<string, unknown>> {
  return objectOf(Buffer.from(String(jwt).split(".")[1] ?? "", "base64url").toString());
}

function objectOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
