import { X509Certificate } from "node:crypto";
import { failure, type Result, success } from "../../kernel/index.ts";
import { attribute, child, children, elements, parseXml, textOf, type XmlElement } from "../xml/document.ts";
import { BINDING, NS } from "../xml/names.ts";
import type { Schemas } from "../xml/schema.ts";
import type { AssertionConsumerService, ServiceProvider, SingleLogoutService, SpSettings } from "./model.ts";

/** What one metadata document says. */
export interface ParsedMetadata {
  readonly providers: readonly ServiceProvider[];
  /** Milliseconds since the epoch after which none of it counts (saml-metadata 2.3.1). */
  readonly validUntil: number | undefined;
}

const LIMIT = 4 * 1024 * 1024;

/**
 * Reads the service providers of an EntityDescriptor or EntitiesDescriptor (saml-metadata 2.3).
 * The problem is a sentence for the operator.
 */
export function parseMetadata(
  source: string,
  settings: SpSettings,
  deps: { schemas: Schemas; now: number; name?: string | undefined },
): Result<ParsedMetadata, string> {
  if (source.length > LIMIT) return failure("it is larger than 4 MB");
  if (/<!DOCTYPE/i.test(source)) return failure("it has a document type, which SAML metadata never needs");
  const fault = deps.schemas.faultOf("metadata", source);
  if (fault !== undefined) return failure(`the schema of SAML metadata refuses it: ${fault}`);
  let root: XmlElement;
  try {
    root = parseXml(source);
  } catch (error) {
    return failure(error instanceof Error ? error.message : "it is not well-formed");
  }
  const entities = entityDescriptors(root);
  const validUntil = earliest([root, ...entities]);
  if (validUntil !== undefined && validUntil <= deps.now)
    return failure(`its validUntil (${new Date(validUntil).toISOString()}) is over`);
  const providers: ServiceProvider[] = [];
  for (const entity of entities) {
    const provider = providerOf(entity, settings, deps.name);
    if (typeof provider === "string") return failure(provider);
    if (provider !== undefined) providers.push(provider);
  }
  return providers.length === 0
    ? failure("it describes no SAML 2.0 service provider")
    : success({ providers, validUntil });
}

function entityDescriptors(root: XmlElement): XmlElement[] {
  if (root.localName === "EntityDescriptor") return [root];
  return elements(root).flatMap((node) =>
    node.namespaceURI === NS.metadata && /^Entit(?:y|ies)Descriptor$/.test(node.localName)
      ? entityDescriptors(node)
      : [],
  );
}

function earliest(nodes: readonly XmlElement[]): number | undefined {
  const times = nodes.flatMap((node) => {
    const value = attribute(node, "validUntil");
    return value === undefined ? [] : [Date.parse(value)];
  });
  return times.length === 0 ? undefined : Math.min(...times);
}

/** The provider, `undefined` for an entity in another role, or what is wrong with it. */
function providerOf(
  entity: XmlElement,
  settings: SpSettings,
  name: string | undefined,
): ServiceProvider | string | undefined {
  const entityId = attribute(entity, "entityID") ?? "";
  const role = children(entity, NS.metadata, "SPSSODescriptor").find((descriptor) =>
    (attribute(descriptor, "protocolSupportEnumeration") ?? "").split(/\s+/).includes(NS.protocol),
  );
  if (role === undefined) return undefined;
  const acs = acsOf(role);
  if (acs.length === 0) return `${entityId} has no AssertionConsumerService for HTTP-POST`;
  const signing = certificatesOf(role, "signing");
  const [encryption] = certificatesOf(role, "encryption");
  if (typeof signing === "string") return `${entityId}: ${signing}`;
  return {
    entityId,
    name: name ?? displayName(role, entity) ?? hostOf(entityId),
    acs,
    slo: sloOf(role),
    signingKeys: signing.map(({ publicKey }) => publicKey),
    encryptionCertificate: encryption?.toString(),
    signsRequests: /^(?:true|1)$/.test(attribute(role, "AuthnRequestsSigned") ?? ""),
    settings,
  };
}

function acsOf(role: XmlElement): AssertionConsumerService[] {
  return children(role, NS.metadata, "AssertionConsumerService").flatMap((endpoint) => {
    const url = attribute(endpoint, "Location") ?? "";
    if (attribute(endpoint, "Binding") !== BINDING.post || !isWebAddress(url)) return [];
    return [
      {
        url,
        index: Number(attribute(endpoint, "index")),
        isDefault: /^(?:true|1)$/.test(attribute(endpoint, "isDefault") ?? ""),
      },
    ];
  });
}

function sloOf(role: XmlElement): SingleLogoutService[] {
  return children(role, NS.metadata, "SingleLogoutService").flatMap((endpoint) => {
    const binding = attribute(endpoint, "Binding");
    const url = attribute(endpoint, "Location") ?? "";
    if ((binding !== BINDING.redirect && binding !== BINDING.post) || !isWebAddress(url)) return [];
    const response = attribute(endpoint, "ResponseLocation");
    return [
      {
        binding: binding === BINDING.redirect ? "redirect" : "post",
        url,
        responseUrl: response !== undefined && isWebAddress(response) ? response : url,
      } as const,
    ];
  });
}

/** A script address in metadata would become a form's target or a link. */
export function isWebAddress(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
}

function certificatesOf(role: XmlElement, use: "signing" | "encryption"): readonly X509Certificate[] | string {
  const found: X509Certificate[] = [];
  for (const descriptor of children(role, NS.metadata, "KeyDescriptor")) {
    if ((attribute(descriptor, "use") ?? use) !== use) continue;
    const info = child(descriptor, NS.signature, "KeyInfo");
    const data = info === undefined ? [] : children(info, NS.signature, "X509Data");
    for (const certificate of data.flatMap((one) => children(one, NS.signature, "X509Certificate"))) {
      const read = readCertificate(textOf(certificate));
      if (typeof read === "string") return read;
      found.push(read);
    }
  }
  return found;
}

/** From base64 DER or PEM; a sentence when it cannot be used. */
export function readCertificate(source: string): X509Certificate | string {
  try {
    const body = source.includes("-----BEGIN") ? source : Buffer.from(source.replaceAll(/\s/g, ""), "base64");
    const certificate = new X509Certificate(body);
    const { asymmetricKeyType: type, asymmetricKeyDetails: details } = certificate.publicKey;
    if (type === "ec") return certificate;
    return type === "rsa" && (details?.modulusLength ?? 0) >= 2048
      ? certificate
      : "a certificate's key is not RSA of at least 2048 bits or EC";
  } catch {
    return "a certificate cannot be read";
  }
}

function displayName(role: XmlElement, entity: XmlElement): string | undefined {
  const extensions = child(role, NS.metadata, "Extensions");
  const ui = extensions === undefined ? undefined : child(extensions, NS.ui, "UIInfo");
  const organization = child(entity, NS.metadata, "Organization");
  const names = [
    ...(ui === undefined ? [] : children(ui, NS.ui, "DisplayName")),
    ...(organization === undefined ? [] : children(organization, NS.metadata, "OrganizationDisplayName")),
  ];
  const name = names.find((node) => node.getAttribute("xml:lang") === "en") ?? names[0];
  return name === undefined ? undefined : textOf(name).slice(0, 128) || undefined;
}

function hostOf(entityId: string): string {
  return URL.canParse(entityId) && new URL(entityId).host !== "" ? new URL(entityId).host : entityId;
}
