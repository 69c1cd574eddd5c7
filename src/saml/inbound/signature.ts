import type { KeyObject } from "node:crypto";
import { SignedXml } from "xml-crypto";
import { failure, type Result, success } from "../../kernel/index.ts";
import { attribute, child, children, elements, everyElement, parseXml, type XmlElement } from "../xml/document.ts";
import { NS } from "../xml/names.ts";
import type { Refusal } from "../xml/refusal.ts";
import { DIGESTS, isSignatureAlgorithm, isSignedByAny, TRANSFORMS } from "./algorithms.ts";

function refuse(rule: string, at: string, expected: string): Result<never, Refusal> {
  return failure({ rule, at, expected });
}

const SIGNATURE = "/*/ds:Signature";

/** The one signature of a message, `undefined` when it has none; refused when its shape allows any doubt about what it covers. */
export function findSignature(root: XmlElement): Result<XmlElement | undefined, Refusal> {
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
  const transforms = child(reference, NS.signature, "Transforms");
  const used = transforms === undefined ? [] : elements(transforms).map(algorithm);
  const isRight = used.length === 2 && used[0] === TRANSFORMS.enveloped && used[1] === TRANSFORMS.exclusive;
  if (!isRight)
    return refuse("transforms", `${at}/ds:Transforms`, "enveloped-signature, then exclusive canonicalization");
  const digest = child(reference, NS.signature, "DigestMethod");
  if (!DIGESTS.has(algorithm(digest)))
    return refuse("digest-algorithm", `${at}/ds:DigestMethod/@Algorithm`, "SHA-256 or SHA-512");
  const isPlain =
    elements(reference).length === 3 &&
    /^[A-Za-z0-9+/=\s]+$/.test(child(reference, NS.signature, "DigestValue")?.textContent ?? "");
  return isPlain ? undefined : refuse("signature-shape", at, "Transforms, DigestMethod and a plain DigestValue");
}

function algorithm(element: XmlElement | undefined): string {
  return element === undefined ? "" : (attribute(element, "Algorithm") ?? "");
}

/**
 * Verifies the message against each of the sender's keys and returns the root as the signed bytes say it: nothing outside them is
 * ever read.
 */
export function readSigned(
  source: string,
  root: XmlElement,
  signature: XmlElement,
  keys: readonly KeyObject[],
): Result<XmlElement, Refusal> {
  const uri = algorithm(
    child(child(signature, NS.signature, "SignedInfo") ?? signature, NS.signature, "SignatureMethod"),
  );
  const signed = signedBytes(source, signature, (data, value) => isSignedByAny(keys, uri, data, value));
  if (signed === undefined)
    return refuse("signature", SIGNATURE, "a signature by one of the certificates in the metadata");
  const inside = parseXml(signed);
  const isSame =
    inside.namespaceURI === root.namespaceURI &&
    inside.localName === root.localName &&
    attribute(inside, "ID") === attribute(root, "ID");
  return isSame ? success(inside) : refuse("signature", SIGNATURE, "a signature over the root");
}

type Judge = (data: Uint8Array, signature: Uint8Array) => boolean;

/** The canonical form the signature covers, or `undefined` when it does not verify. */
function signedBytes(source: string, signature: XmlElement, judge: Judge): string | undefined {
  const signer = new SignedXml({ getCertFromKeyInfo: () => null, publicCert: "judged by us" });
  const uri = algorithm(
    child(child(signature, NS.signature, "SignedInfo") ?? signature, NS.signature, "SignatureMethod"),
  );
  signer.SignatureAlgorithms = { [uri]: methodOf(uri, judge) };
  try {
    signer.loadSignature(signature as unknown as Node);
    if (!signer.checkSignature(source)) return undefined;
    const references = signer.getSignedReferences();
    return references.length === 1 ? references[0] : undefined;
  } catch {
    return undefined;
  }
}

/** xml-crypto canonicalizes and digests; whether the signature fits a key is decided here. */
function methodOf(uri: string, judge: Judge) {
  return class {
    getAlgorithmName = (): string => uri;
    verifySignature = (material: string, _key: unknown, value: string): boolean =>
      judge(Buffer.from(material, "utf8"), Buffer.from(value, "base64"));
    getSignature = (): never => {
      throw new Error("only verifies");
    };
  };
}
