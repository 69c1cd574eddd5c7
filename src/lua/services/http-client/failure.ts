/** A failure whose text is for the script as it stands. */
export class Refused extends Error {
  override readonly name = "Refused";
}

const TEXTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: "the connection was refused",
  ECONNRESET: "the connection was closed before the answer was complete",
  ERR_STREAM_PREMATURE_CLOSE: "the connection was closed before the answer was complete",
  ENOTFOUND: "the name does not resolve",
  EAI_AGAIN: "the name could not be resolved now",
  ETIMEDOUT: "no connection in time",
  HPE_HEADER_OVERFLOW: "the headers of the answer are over 16 KB",
  CERT_HAS_EXPIRED: "the certificate has ended",
  CERT_NOT_YET_VALID: "the certificate is not valid yet",
  ERR_TLS_CERT_ALTNAME_INVALID: "the certificate is for another name",
  Z_DATA_ERROR: "the answer is not the gzip it says it is",
  Z_BUF_ERROR: "the answer is not the gzip it says it is",
};
const UNKNOWN_AUTHORITY =
  /^(?:UNABLE_TO_(?:VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(?:_LOCALLY)?)|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT)$/;

/** What went wrong, by its code alone: texts of libraries may hold parts of what was sent. */
export function failureText(error: unknown): string {
  if (error instanceof Refused) return error.message;
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
  if (UNKNOWN_AUTHORITY.test(code))
    return "the certificate is from an authority nobody here knows; allow.ca_file of this backend names a file of more";
  if (code.startsWith("HPE_") && TEXTS[code] === undefined) return "the answer is not HTTP";
  if (code === "ERR_INVALID_CHAR" || code === "ERR_INVALID_HTTP_TOKEN")
    return "a header has a character it cannot have";
  return TEXTS[code] ?? `it failed (${code === "" ? "unknown" : code})`;
}
