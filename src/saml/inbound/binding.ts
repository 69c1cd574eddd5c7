import { inflateRawSync } from "node:zlib";
import { failure, type Result, success } from "../../kernel/index.ts";
import type { Refusal } from "../xml/refusal.ts";
import { LIMITS } from "../xml/scan.ts";

/** A message as it came, not yet believed. */
export interface Envelope {
  readonly binding: "redirect" | "post";
  readonly parameter: "SAMLRequest" | "SAMLResponse";
  readonly bytes: Uint8Array;
  readonly relayState: string | undefined;
  /** The detached signature of the Redirect binding over the octets as received (saml-bindings 3.4.4.1). */
  readonly detached: DetachedSignature | undefined;
}

export interface DetachedSignature {
  readonly algorithm: string;
  readonly signature: Uint8Array;
  readonly octets: Uint8Array;
}

const DEFLATE = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";
const KNOWN: ReadonlySet<string> = new Set([
  "SAMLRequest",
  "SAMLResponse",
  "RelayState",
  "SigAlg",
  "Signature",
  "SAMLEncoding",
]);
const RELAY_STATE_LIMIT = 4_096;

function refuse(rule: string, at: string, expected: string): Result<never, Refusal> {
  return failure({ rule, at, expected });
}

/** Reads the HTTP-Redirect binding from the query as it was received: its signature is over those very octets. */
export function readRedirect(rawQuery: string): Result<Envelope, Refusal> {
  const query = splitQuery(rawQuery);
  if (!query.ok) return query;
  const { raw, fields } = query.value;
  const parameter = parameterOf(fields);
  if (parameter === undefined) return refuse("parameters", "query", "exactly one of SAMLRequest and SAMLResponse");
  if ((fields.get("SAMLEncoding") ?? DEFLATE) !== DEFLATE) return refuse("encoding", "query SAMLEncoding", DEFLATE);
  const packed = base64(fields.get(parameter) ?? "");
  const bytes = packed === undefined ? undefined : inflate(packed);
  if (bytes === undefined)
    return refuse(
      "encoding",
      `query ${parameter}`,
      `base64 of raw DEFLATE of at most ${LIMITS.bytes} bytes and nothing behind it`,
    );
  const relayState = fields.get("RelayState");
  if (!isRelayState(relayState))
    return refuse("relay-state", "query RelayState", `at most ${RELAY_STATE_LIMIT} characters, no NUL`);
  const detached = detachedOf(raw, fields, parameter);
  return detached.ok
    ? success({ binding: "redirect", parameter, bytes, relayState, detached: detached.value })
    : detached;
}

interface Query {
  /** As received. */
  readonly raw: ReadonlyMap<string, string>;
  /** Decoded. */
  readonly fields: ReadonlyMap<string, string>;
}

/** The parameters of the binding, each at most once; others are no business of ours. */
function splitQuery(rawQuery: string): Result<Query, Refusal> {
  const raw = new Map<string, string>();
  const fields = new Map<string, string>();
  for (const pair of rawQuery.split("&")) {
    const split = pair.indexOf("=");
    const name = split === -1 ? pair : pair.slice(0, split);
    if (!KNOWN.has(name)) continue;
    if (raw.has(name)) return refuse("duplicate", `query ${name}`, "every parameter once");
    const value = split === -1 ? "" : pair.slice(split + 1);
    const decoded = decodeComponent(value);
    if (decoded === undefined) return refuse("encoding", `query ${name}`, "percent-encoded UTF-8");
    raw.set(name, value);
    fields.set(name, decoded);
  }
  return success({ raw, fields });
}

/** Reads the HTTP-POST binding (saml-bindings 3.5) from a parsed form. `rawQuery` must carry no message too. */
export function readPost(fields: Readonly<Record<string, string>>, rawQuery: string): Result<Envelope, Refusal> {
  const given = new Map(Object.entries(fields));
  if (/(?:^|&)SAML(?:Request|Response)=/.test(rawQuery))
    return refuse("parameters", "query", "the message in the form alone");
  const parameter = parameterOf(given);
  if (parameter === undefined) return refuse("parameters", "form", "exactly one of SAMLRequest and SAMLResponse");
  const bytes = base64((given.get(parameter) ?? "").replaceAll(/[\r\n]/g, ""));
  if (bytes === undefined || bytes.length === 0) return refuse("encoding", `form ${parameter}`, "base64");
  const relayState = given.get("RelayState");
  if (!isRelayState(relayState))
    return refuse("relay-state", "form RelayState", `at most ${RELAY_STATE_LIMIT} characters, no NUL`);
  return success({ binding: "post", parameter, bytes, relayState, detached: undefined });
}

function parameterOf(fields: ReadonlyMap<string, string>): Envelope["parameter"] | undefined {
  const isRequest = fields.has("SAMLRequest");
  if (isRequest === fields.has("SAMLResponse")) return undefined;
  return isRequest ? "SAMLRequest" : "SAMLResponse";
}

function isRelayState(value: string | undefined): boolean {
  return value === undefined || (value.length <= RELAY_STATE_LIMIT && !value.includes("\0"));
}

function detachedOf(
  raw: ReadonlyMap<string, string>,
  fields: ReadonlyMap<string, string>,
  parameter: string,
): Result<DetachedSignature | undefined, Refusal> {
  const [algorithm, signature] = [fields.get("SigAlg"), fields.get("Signature")];
  if (algorithm === undefined && signature === undefined) return success(undefined);
  if (algorithm === undefined || signature === undefined)
    return refuse("signature", "query", "SigAlg and Signature together");
  const bytes = base64(signature.replaceAll(/[\r\n]/g, ""));
  if (bytes === undefined || bytes.length === 0) return refuse("signature", "query Signature", "base64");
  const octets = [parameter, "RelayState", "SigAlg"].flatMap((name) => {
    const value = raw.get(name);
    return value === undefined ? [] : [`${name}=${value}`];
  });
  return success({ algorithm, signature: bytes, octets: Buffer.from(octets.join("&"), "latin1") });
}

function decodeComponent(value: string): string | undefined {
  try {
    return decodeURIComponent(value.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}

function base64(value: string): Buffer | undefined {
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(value)
    ? Buffer.from(value, "base64")
    : undefined;
}

/** Never more than the limit is inflated, whatever the stream would give; bytes behind its end are refused. */
function inflate(packed: Buffer): Buffer | undefined {
  try {
    const { buffer, engine } = inflateRawSync(packed, { maxOutputLength: LIMITS.bytes, info: true }) as unknown as {
      buffer: Buffer;
      engine: { bytesWritten: number };
    };
    return engine.bytesWritten === packed.length ? buffer : undefined;
  } catch {
    return undefined;
  }
}
