import { IdpError } from "../../kernel/index.ts";

/** An element as text. Attributes that are `undefined` are left out; text is escaped, so that a value never becomes markup. */
export function xml(
  name: string,
  attributes: Readonly<Record<string, string | undefined>>,
  ...content: readonly XmlPart[]
): XmlPart {
  const written = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [` ${key}="${escapeXml(value)}"`],
  );
  const inner = content.map((part) => part.markup).join("");
  return { markup: inner === "" ? `<${name}${written.join("")}/>` : `<${name}${written.join("")}>${inner}</${name}>` };
}

/** A piece of finished markup: made by {@link xml} and {@link textOf} only. */
export interface XmlPart {
  readonly markup: string;
}

/** Character data. @throws IdpError INTERNAL for characters XML forbids; callers check values of users with {@link isXmlText}. */
export function textOf(value: string): XmlPart {
  return { markup: escapeXml(value) };
}

/** Whether a value can stand in XML 1.0 at all (section 2.2). */
export function isXmlText(value: string): boolean {
  // oxlint-disable-next-line no-control-regex
  return value.isWellFormed() && !/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(value);
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "\t": "&#9;",
  "\n": "&#10;",
  "\r": "&#13;",
};

function escapeXml(value: string): string {
  if (!isXmlText(value)) throw new IdpError("INTERNAL", { because: "a value holds characters that XML forbids" });
  return value.replaceAll(/[&<>"\t\n\r]/g, (character) => ESCAPES[character] ?? character);
}
