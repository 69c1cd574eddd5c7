import { DOMParser } from "@xmldom/xmldom";

/** The part of the DOM that is used here. */
export interface XmlElement {
  readonly nodeType: number;
  readonly namespaceURI: string | null;
  readonly localName: string;
  readonly textContent: string | null;
  readonly childNodes: ArrayLike<{ readonly nodeType: number }>;
  readonly attributes: ArrayLike<{ readonly localName: string | null; readonly value: string }>;
  hasAttribute(name: string): boolean;
  getAttribute(name: string): string | null;
}

/** Parses text that {@link scanXml} let through. @throws Error on anything that is not namespace-well-formed. */
export function parseXml(source: string): XmlElement {
  const fail = (message: unknown): never => {
    throw new Error(`not well-formed: ${String(message).slice(0, 200)}`);
  };
  const document = new DOMParser({ errorHandler: { warning: fail, error: fail, fatalError: fail } }).parseFromString(
    source,
    "text/xml",
  );
  return document.documentElement;
}

/** The child elements with this name, in order. */
export function children(parent: XmlElement, namespace: string, name: string): XmlElement[] {
  return elements(parent).filter((node) => node.namespaceURI === namespace && node.localName === name);
}

/** The first child element with this name. */
export function child(parent: XmlElement, namespace: string, name: string): XmlElement | undefined {
  return children(parent, namespace, name)[0];
}

export function elements(parent: XmlElement): XmlElement[] {
  return Array.from(parent.childNodes).filter((node): node is XmlElement => node.nodeType === 1);
}

/** All elements of the tree in document order, the root first. */
export function* everyElement(root: XmlElement): Generator<XmlElement> {
  yield root;
  for (const node of elements(root)) yield* everyElement(node);
}

/** An attribute without namespace; `undefined` when it is not there. */
export function attribute(element: XmlElement, name: string): string | undefined {
  return element.hasAttribute(name) ? (element.getAttribute(name) ?? undefined) : undefined;
}

/** The text of an element that holds nothing but text; white space around it does not count (identifiers are URIs or tokens). */
export function textOf(element: XmlElement): string {
  return (element.textContent ?? "").trim();
}
