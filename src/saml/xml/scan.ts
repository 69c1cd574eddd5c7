import { failure, type Result, success } from "../../kernel/index.ts";
import type { Refusal } from "./refusal.ts";

/**
 * What a message may be at most. Parsers and signature code are quadratic in some of these (20 000 empty elements stall a naive
 * receiver for 20 seconds), so they are counted on the bytes, before anything builds a tree.
 */
export const LIMITS = { bytes: 65_536, elements: 500, depth: 24, attributes: 32, allAttributes: 1_000 } as const;

const DECLARATION =
  /^<\?xml version=(?:"1\.0"|'1\.0')(?: encoding=(?:"utf-8"|'utf-8'))?(?: standalone=(?:"(?:yes|no)"|'(?:yes|no)'))? ?\?>/i;
const TAG = /<(\/?)([A-Za-z_][\w.:-]{0,127})((?:\s+[A-Za-z_][\w.:-]{0,127}\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
const ATTRIBUTE = /\s+[A-Za-z_][\w.:-]*\s*=\s*(?:"[^"]*"|'[^']*')/g;
const REFERENCE = /&(?:#(?:x([0-9a-fA-F]{1,6})|(\d{1,7}))|(amp|lt|gt|quot|apos));/y;

/**
 * Reads a message once from left to right and refuses what a SAML message never needs: document types, comments, processing
 * instructions, CDATA sections, other encodings than UTF-8, references to anything but characters, and floods of any kind.
 * What passes is a flat sequence of tags and text that two parsers cannot read differently.
 */
export function scanXml(bytes: Uint8Array): Result<string, Refusal> {
  if (bytes.length > LIMITS.bytes) return refuse("size", "/", `at most ${LIMITS.bytes} bytes`);
  const text = decode(bytes);
  if (text === undefined) return refuse("encoding", "/", "UTF-8 without forbidden characters");
  const start = DECLARATION.exec(text)?.[0].length ?? 0;
  const problem = new Scan(text, start).run();
  return problem === undefined ? success(text) : failure(problem);
}

function refuse(rule: string, at: string, expected: string): Result<never, Refusal> {
  return failure({ rule, at, expected });
}

function decode(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // XML 1.0 section 2.2; a NUL would end the text for one parser and not for another.
    // oxlint-disable-next-line no-control-regex
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}

/** One pass; `path` names the place for the log. */
class Scan {
  readonly #text: string;
  #at: number;
  #elements = 0;
  #attributes = 0;
  readonly #path: string[] = [];

  constructor(text: string, start: number) {
    this.#text = text;
    this.#at = start;
  }

  run(): Refusal | undefined {
    let isOver = false;
    for (;;) {
      const next = this.#text.indexOf("<", this.#at);
      const end = next === -1 ? this.#text.length : next;
      const problem = this.#characters(end);
      if (problem !== undefined) return problem;
      if (next === -1) break;
      if (isOver) return this.#refuse("structure", "one root element");
      const wrong = this.#tag();
      if (wrong !== undefined) return wrong;
      isOver = this.#path.length === 0;
    }
    return isOver ? undefined : this.#refuse("structure", "one complete root element");
  }

  #refuse(rule: string, expected: string): Refusal {
    return { rule, at: `/${this.#path.join("/")}`, expected };
  }

  /** Text up to `end`: nothing but white space outside the root, and no reference to an entity. */
  #characters(end: number): Refusal | undefined {
    const text = this.#text.slice(this.#at, end);
    this.#at = end;
    if (this.#path.length === 0 && text.trim() !== "")
      return this.#refuse("structure", "nothing outside the root element");
    if (text.includes("]]>")) return this.#refuse("markup", "no ]]> in text");
    return this.#references(text);
  }

  #references(text: string): Refusal | undefined {
    for (let at = text.indexOf("&"); at !== -1; at = text.indexOf("&", at + 1)) {
      REFERENCE.lastIndex = at;
      const match = REFERENCE.exec(text);
      if (match === null) return this.#refuse("entity", "no entity references but the five of XML");
      const point = match[1] === undefined ? Number(match[2] ?? 65) : Number.parseInt(match[1], 16);
      const isAllowed =
        point === 9 ||
        point === 10 ||
        point === 13 ||
        (point >= 32 && point <= 0xd7ff) ||
        (point >= 0xe000 && point <= 0xfffd) ||
        (point >= 0x10000 && point <= 0x10ffff);
      if (!isAllowed) return this.#refuse("entity", "references to characters that XML allows");
    }
    return undefined;
  }

  #tag(): Refusal | undefined {
    TAG.lastIndex = this.#at;
    const match = TAG.exec(this.#text);
    if (match === null) return this.#noTag();
    const [whole, closing, name = "", attributes = "", empty] = match;
    this.#at += whole.length;
    if (closing === "/") {
      const isBroken = this.#path.at(-1) !== name || attributes !== "" || empty === "/";
      if (isBroken) return this.#refuse("structure", `the end of ${this.#path.at(-1) ?? "nothing"}`);
      this.#path.pop();
      return undefined;
    }
    this.#path.push(name);
    const problem = this.#count(attributes) ?? this.#references(attributes);
    if (problem !== undefined) return problem;
    if (empty === "/") this.#path.pop();
    return undefined;
  }

  #noTag(): Refusal {
    const ahead = this.#text.slice(this.#at, this.#at + 9);
    if (/^<!doctype/i.test(ahead)) return this.#refuse("doctype", "no document type");
    if (ahead.startsWith("<!--")) return this.#refuse("comment", "no comments");
    if (ahead.startsWith("<![CDATA[")) return this.#refuse("cdata", "no CDATA sections");
    if (ahead.startsWith("<?")) return this.#refuse("instruction", "no processing instructions");
    return this.#refuse("markup", "well-formed tags");
  }

  #count(attributes: string): Refusal | undefined {
    const count = attributes === "" ? 0 : (attributes.match(ATTRIBUTE)?.length ?? 0);
    this.#elements += 1;
    this.#attributes += count;
    if (this.#elements > LIMITS.elements) return this.#refuse("elements", `at most ${LIMITS.elements} elements`);
    if (this.#path.length > LIMITS.depth)
      return { rule: "depth", at: `/${this.#path[0]}`, expected: `at most ${LIMITS.depth} levels` };
    if (count > LIMITS.attributes)
      return this.#refuse("attributes", `at most ${LIMITS.attributes} attributes at one element`);
    if (this.#attributes > LIMITS.allAttributes)
      return this.#refuse("attributes", `at most ${LIMITS.allAttributes} attributes`);
    return undefined;
  }
}
