import { ParseOption, XmlC14NMode, XmlDocument, XmlElement } from "libxml2-wasm";
import { NS } from "./names.ts";

/** The two byte sequences an enveloped signature is about. */
export interface CanonicalParts {
  /** The document without its signature: what the digest is over. */
  readonly document: string;
  /** `ds:SignedInfo`: what the signature is over. */
  readonly signedInfo: string;
}

const NAMESPACES = { ds: NS.signature };

/**
 * Exclusive XML Canonicalization 1.0 (xml-exc-c14n) by libxml2, of a message whose one signature is a child of its root.
 * @param prefixes the transform's InclusiveNamespaces PrefixList.
 * @returns `undefined` when there is no such signature.
 */
export function canonicalParts(source: string, prefixes: readonly string[]): CanonicalParts | undefined {
  const document = XmlDocument.fromString(source, {
    option: ParseOption.XML_PARSE_NONET | ParseOption.XML_PARSE_NO_XXE,
  });
  try {
    const signature = document.get("/*/ds:Signature", NAMESPACES);
    const info = signature instanceof XmlElement ? signature.get("ds:SignedInfo", NAMESPACES) : undefined;
    if (!(signature instanceof XmlElement) || !(info instanceof XmlElement)) return undefined;
    const mode = XmlC14NMode.XML_C14N_EXCLUSIVE_1_0;
    const signedInfo = canonicalAlone(info);
    signature.remove();
    return { signedInfo, document: document.canonicalizeToString({ mode, inclusiveNamespacePrefixes: [...prefixes] }) };
  } finally {
    document.dispose();
  }
}

/** Exclusive canonicalization does not look outside: in a document of its own the element has the same form, three times as fast. */
function canonicalAlone(element: XmlElement): string {
  const carrier = XmlDocument.create();
  try {
    carrier.root = element;
    return carrier.canonicalizeToString({ mode: XmlC14NMode.XML_C14N_EXCLUSIVE_1_0 });
  } finally {
    carrier.dispose();
  }
}
