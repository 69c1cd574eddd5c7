/** Bytes of the largest document that is read. */
const LIMIT = 4 * 1024 * 1024;
/** Milliseconds. */
const PATIENCE = 15_000;

/** Reads a document the operator named, such as SAML metadata. @throws Error with a reason */
export async function fetchText(url: string): Promise<string> {
  const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(PATIENCE) });
  if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`);
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > LIMIT) throw new Error("the document is larger than 4 MB");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
