import { failure, type Result, success } from "../kernel/index.ts";

/** The parts of an authenticator's answer that are looked at before anything is verified. */
export interface WebauthnAnswer {
  /** Base64url. */
  readonly id: string;
  /** Base64url; absent where the authenticator did not say. */
  readonly userHandle: string | undefined;
}

/** Characters of the largest answer: an attestation with a certificate chain has a few thousand. */
const LIMIT = 32_768;
/** Base64url characters of the longest credential id (WebAuthn section 7.1 step 25: 1023 bytes). */
const ID_LIMIT = 1364;

/**
 * Reads a posted answer as far as its shape goes: JSON of an object with an id of allowed length, and client data that was not made in
 * another site's frame. What the library lets pass stands here (it accepts ids of any length, and `crossOrigin`).
 */
export function readAnswer(
  posted: string,
  part: "attestationObject" | "signature",
): Result<WebauthnAnswer & Readonly<Record<string, unknown>>, string> {
  if (posted.length === 0 || posted.length > LIMIT) return failure("the answer is empty or larger than 32 KB");
  const answer = objectOf(parse(posted));
  const response = objectOf(answer?.["response"]);
  const id = answer?.["id"];
  if (answer === undefined || response === undefined || typeof id !== "string")
    return failure("the answer is no credential");
  if (!/^[A-Za-z0-9_-]+$/.test(id) || id.length > ID_LIMIT)
    return failure("the credential id is longer than 1023 bytes");
  const problem = problemOf(response, part);
  if (problem !== undefined) return failure(problem);
  const handle = response["userHandle"];
  return success({ ...answer, id, userHandle: typeof handle === "string" && handle !== "" ? handle : undefined });
}

function problemOf(response: Readonly<Record<string, unknown>>, part: string): string | undefined {
  const { clientDataJSON, userHandle } = response as { clientDataJSON?: unknown; userHandle?: unknown };
  if (typeof clientDataJSON !== "string" || typeof response[part] !== "string") return `the answer has no ${part}`;
  const clientData = objectOf(parse(Buffer.from(clientDataJSON, "base64url").toString("utf8")));
  if (clientData === undefined) return "the client data is not JSON";
  if (clientData["crossOrigin"] === true || clientData["topOrigin"] !== undefined)
    return "the answer was made in a frame of another site";
  const isHandle = userHandle === undefined || userHandle === null || typeof userHandle === "string";
  return isHandle ? undefined : "the user handle is no text";
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined;
}
