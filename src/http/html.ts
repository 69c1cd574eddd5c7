/** Text for an element or a quoted attribute. @throws Error on a missing value: that is a mistake, not an empty place. */
export function escapeHtml(value: unknown): string {
  if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean")
    throw new Error("a template printed a value that is not there");
  const text = String(value);
  // Most texts have nothing to escape.
  if (!/[&<>"']/.test(text)) return text;
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&#34;")
    .replaceAll("'", "&#39;");
}
