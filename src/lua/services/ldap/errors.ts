import { ResultCodeError } from "ldapts";

/** The number the server answered with (RFC 4511, appendix A.1). */
export function resultCode(error: unknown): number | undefined {
  return error instanceof ResultCodeError ? error.code : undefined;
}

/** What a script is told: `LDAP error <number> (<name>): <the server's words>`, or what became of the connection. */
export function told(error: unknown, server: string): Error {
  if (error instanceof ResultCodeError) {
    const words = error.message.replace(/ Code: 0x[0-9a-f]+$/, "");
    return new Error(`LDAP error ${error.code} (${error.constructor.name.replace(/Error$/, "")}): ${words}`);
  }
  const parts = error instanceof AggregateError ? (error.errors as readonly unknown[]) : [error];
  const words = parts.map((part) => (part instanceof Error ? part.message : "failed")).join("; ");
  return new Error(`the LDAP server ${server} cannot be used: ${words || "the connection failed"}`);
}
