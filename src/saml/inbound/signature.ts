import { createHash, type KeyObject } from "node:crypto";
import { failure, type Result, success } from "../../kernel/index.ts";
import { canonicalParts } from "../xml/canonical.ts";
import { attribute, child, children, elements, everyElement, parseXml, type XmlElement } from "../xml/document.ts";
import { NS } from "../xml/names.ts";
import type { Refusal } from "../xml/refusal.ts";
import { DIGESTS, isSignatureAlgorithm, isSignedByAny, TRANSFORMS } from "./algorithms.ts";

function refuse(rule: string, at: string, expected: string): Result<never, Refusal> {
  return failure({ rule, at, expected });
}

const SIGNATURE = "/*/ds:Signature";

/** The one signature of a message, `undefined` when it has none; refused when its shape allows any doubt about what it covers. */
export function findSignature(source: string, root: XmlElement): Result<XmlElement | undefined, Refusal> {
  // Names of elements cannot be written in another way, so that most messages need no walk through their tree.
  if (!source.includes("Signature")) return success(undefined);
  const all = [...everyElement(root)];
  const found = all.filter((element) => element.localName === "Signature" && element.namespaceURI === NS.signature);
  const signature = child(root, NS.signature, "Signature");
  if (found.length > 1 || (found.length === 1 && found[0] !== signature))
    return refuse("signature-place", "//ds:Signature", "at most one, a child of the root");
  // A Signature may carry an Id of its own; everything else that has one could be taken for what is signed.
  const named = all.filter((element) => element !== root && identifiersOf(element).length > 0);
  const isClear = named.every(
    (element) => element === signature && !identifiersOf(element).includes(attribute(root, "ID") ?? ""),
  );
  if (!isClear) return refuse("identifiers", "//*[@ID]", "an ID at the root alone");
  return signature === undefined ? success(undefined) : shapeOf(signature, root);
}

function identifiersOf(element: XmlElement): readonly string[] {
  return Array.from(element.attributes).flatMap(({ localName, value }) =>
    /^id$/i.test(localName ?? "") ? [value] : [],
  );
}

/** xmldsig-core restricted to what saml-core 5.4 allows: one reference to the root, enveloped and exclusive, nothing else. */
function shapeOf(signature: XmlElement, root: XmlElement): Result<XmlElement, Refusal> {
  const names = elements(signature)
    .map(({ localName }) => localName)
    .join(" ");
  if (names !== "SignedInfo SignatureValue" && names !== "SignedInfo SignatureValue KeyInfo")
    return refuse("signature-shape", SIGNATURE, "SignedInfo, SignatureValue and at most KeyInfo");
  const info = child(signature, NS.signature, "SignedInfo");
  const references = info === undefined ? [] : children(info, NS.signature, "Reference");
  const [reference] = references;
  if (info === undefined || reference === undefined || references.length > 1 || elements(info).length !== 3)
    return refuse("signature-shape", `${SIGNATURE}/ds:SignedInfo`, "a canonicalization, a method and one Reference");
  return algorithmsOf(info) ?? referenceOf(reference, root) ?? success(signature);
}

function algorithmsOf(info: XmlElement): Result<never, Refusal> | undefined {
  const method = child(info, NS.signature, "SignatureMethod");
  const canonical = child(info, NS.signature, "CanonicalizationMethod");
  if (!isSignatureAlgorithm(algorithm(method)))
    return refuse(
      "signature-algorithm",
      `${SIGNATURE}//ds:SignatureMethod/@Algorithm`,
      "RSA or ECDSA with SHA-256, SHA-384 or SHA-512",
    );
  if (algorithm(canonical) !== TRANSFORMS.exclusive)
    return refuse("canonicalization", `${SIGNATURE}//ds:CanonicalizationMethod/@Algorithm`, TRANSFORMS.exclusive);
  if (
    (method !== undefined && elements(method).length > 0) ||
    (canonical !== undefined && elements(canonical).length > 0)
  )
    return refuse("signature-shape", `${SIGNATURE}/ds:SignedInfo`, "methods without parameters");
  return undefined;
}

function referenceOf(reference: XmlElement, root: XmlElement): Result<never, Refusal> | undefined {
  const at = `${SIGNATURE}//ds:Reference`;
  if (attribute(reference, "URI") !== `#${attribute(root, "ID")}`)
    return refuse("reference", `${at}/@URI`, "# and the root's ID");
  if (!areTransforms(child(reference, NS.signature, "Transforms")))
    return refuse("transforms", `${at}/ds:Transforms`, "enveloped-signature, then exclusive canonicalization");
  const digest = child(reference, NS.signature, "DigestMethod");
  if (!Object.hasOwn(DIGESTS, algorithm(digest)))
    return refuse("digest-algorithm", `${at}/ds:DigestMethod/@Algorithm`, "SHA-256, SHA-384 or SHA-512");
  const isPlain =
    elements(reference).length === 3 &&
    /^[A-Za-z0-9+/=\s]+$/.test(child(reference, NS.signature, "DigestValue")?.textContent ?? "");
  return isPlain ? undefined : refuse("signature-shape", at, "Transforms, DigestMethod and a plain DigestValue");
}

function areTransforms(transforms: XmlElement | undefined): boolean {
  const [first, second, ...more] = transforms === undefined ? [] : elements(transforms);
  if (first === undefined || second === undefined || more.length > 0) return false;
  const isEnveloped = algorithm(first) === TRANSFORMS.enveloped && elements(first).length === 0;
  return (
    isEnveloped &&
    algorithm(second) === TRANSFORMS.exclusive &&
    (elements(second).length === 0 || isInclusiveList(second))
  );
}

/** xml-exc-c14n section 4: prefixes that are kept although nothing uses them visibly. */
function isInclusiveList(transform: XmlElement): boolean {
  const inner = elements(transform);
  const [list] = inner;
  return (
    inner.length === 1 &&
    list?.localName === "InclusiveNamespaces" &&
    list.namespaceURI === TRANSFORMS.exclusive &&
    elements(list).length === 0
  );
}

function algorithm(element: XmlElement | undefined): string {
  return element === undefined ? "" : (attribute(element, "Algorithm") ?? "");
}

/** What a signature really covers. */
export interface SignedContent {
  readonly root: XmlElement;
  /** The canonical bytes as text. */
  readonly source: string;
}

/**
 * Verifies the message against each of the sender's keys and returns the root as the signed bytes say it: nothing outside them is
 * ever read. The signature's shape was judged by {@link findSignature}; what it says about its own key is not looked at.
 */
export function readSigned(
  source: string,
  root: XmlElement,
  signature: XmlElement,
  keys: readonly KeyObject[],
): Result<SignedContent, Refusal> {
  const wrong = refuse("signature", SIGNATURE, "a signature by one of the certificates in the metadata");
  const parts = partsOf(signature);
  const canonical = parts === undefined ? undefined : canonicalParts(source, parts.prefixes);
  if (parts === undefined || canonical === undefined) return wrong;
  const digest = createHash(DIGESTS[parts.digestAlgorithm] ?? "sha256")
    .update(canonical.document, "utf8")
    .digest();
  if (!digest.equals(base64(parts.digest))) return wrong;
  if (!isSignedByAny(keys, parts.method, Buffer.from(canonical.signedInfo, "utf8"), base64(parts.value))) return wrong;
  const inside = parseXml(canonical.document);
  const isSame =
    inside.namespaceURI === root.namespaceURI &&
    inside.localName === root.localName &&
    attribute(inside, "ID") === attribute(root, "ID");
  return isSame
    ? success({ root: inside, source: canonical.document })
    : refuse("signature", SIGNATURE, "a signature over the root");
}

interface SignatureParts {
  readonly method: string;
  readonly value: string;
  readonly digestAlgorithm: string;
  readonly digest: string;
  readonly prefixes: readonly string[];
}

function partsOf(signature: XmlElement): SignatureParts | undefined {
  const info = child(signature, NS.signature, "SignedInfo");
  const reference = info === undefined ? undefined : child(info, NS.signature, "Reference");
  if (info === undefined || reference === undefined) return undefined;
  const transforms = child(reference, NS.signature, "Transforms");
  const inclusive = transforms === undefined ? undefined : elements(transforms).flatMap(elements)[0];
  return {
    method: algorithm(child(info, NS.signature, "SignatureMethod")),
    value: child(signature, NS.signature, "SignatureValue")?.textContent ?? "",
    digestAlgorithm: algorithm(child(reference, NS.signature, "DigestMethod")),
    digest: child(reference, NS.signature, "DigestValue")?.textContent ?? "",
    prefixes:
      inclusive === undefined
        ? []
        : (attribute(inclusive, "PrefixList") ?? "").split(/\s+/).filter((prefix) => prefix !== ""),
  };
}

function base64(value: string): Buffer {
  return Buffer.from(value.replaceAll(/\s/g, ""), "base64");
}
