import { type Clock, failure, type Result, success } from "../../kernel/index.ts";
import type { ServiceProvider, ServiceProviders } from "../sp/model.ts";
import { parseXml, type XmlElement } from "../xml/document.ts";
import { NS } from "../xml/names.ts";
import type { Refusal } from "../xml/refusal.ts";
import { scanXml } from "../xml/scan.ts";
import type { Schemas } from "../xml/schema.ts";
import { isSignatureAlgorithm, isSignedByAny } from "./algorithms.ts";
import { type Envelope, readPost, readRedirect } from "./binding.ts";
import { type InboundMessage, issuerOf, type LogoutRequest, readMessage } from "./messages.ts";
import { commonRules, logoutRules } from "./rules.ts";
import { disagreement } from "./second-opinion.ts";
import { findSignature, readSigned } from "./signature.ts";

/** What came over HTTP, before anything is understood of it. */
export interface Arrival {
  /** Path of our endpoint. */
  readonly endpoint: "/saml/sso" | "/saml/slo";
  /** The query as received, without `?`. */
  readonly rawQuery: string;
  /** The parsed form of a POST; `undefined` for a GET. */
  readonly form: Readonly<Record<string, string>> | undefined;
}

/** A message whose sender, shape, age and place were checked. */
export interface Believed<Message extends InboundMessage = InboundMessage> {
  readonly message: Message;
  readonly sp: ServiceProvider;
  readonly relayState: string | undefined;
  readonly isSigned: boolean;
  readonly binding: "redirect" | "post";
  /** The message as it was read: the signed bytes where it is signed. */
  readonly source: string;
}

/** The one way in for SAML messages. */
export interface InboundGate {
  /** Believes a message or says which rule it breaks. Pure but for the clock; replay is the caller's to check, with the store. */
  receive(arrival: Arrival): Result<Believed, Refusal>;
}

export interface InboundGateDeps {
  readonly issuer: string;
  readonly providers: ServiceProviders;
  readonly schemas: Schemas;
  readonly clock: Clock;
}

/** Which messages an endpoint takes, by the parameter they come in. */
const EXPECTED = {
  "/saml/sso": { SAMLRequest: "AuthnRequest", SAMLResponse: undefined },
  "/saml/slo": { SAMLRequest: "LogoutRequest", SAMLResponse: "LogoutResponse" },
} as const;

export function createInboundGate(deps: InboundGateDeps): InboundGate {
  return {
    receive(arrival) {
      const envelope =
        arrival.form === undefined ? readRedirect(arrival.rawQuery) : readPost(arrival.form, arrival.rawQuery);
      if (!envelope.ok) return envelope;
      const read = readRoot(envelope.value, EXPECTED[arrival.endpoint][envelope.value.parameter], deps.schemas);
      return read.ok ? believe(read.value, envelope.value, arrival, deps) : read;
    },
  };
}

function refuse(rule: string, at: string, expected: string): Result<never, Refusal> {
  return failure({ rule, at, expected });
}

interface Read {
  readonly source: string;
  readonly root: XmlElement;
}

/** From bytes to a tree of the expected kind that the schema accepts. */
function readRoot(envelope: Envelope, expected: string | undefined, schemas: Schemas): Result<Read, Refusal> {
  if (expected === undefined) return refuse("parameters", envelope.parameter, "SAMLRequest");
  const scanned = scanXml(envelope.bytes);
  if (!scanned.ok) return scanned;
  const source = scanned.value;
  let root: XmlElement;
  try {
    root = parseXml(source);
  } catch {
    return refuse("well-formed", "/", "well-formed XML with declared namespaces");
  }
  if (root.namespaceURI !== NS.protocol || root.localName !== expected)
    return refuse("root", "/*", `samlp:${expected}`);
  const fault = schemas.faultOf("protocol", source);
  return fault === undefined
    ? success({ source, root })
    : refuse("schema", "/*", `a message the schema accepts (${fault.slice(0, 160)})`);
}

function believe(read: Read, envelope: Envelope, arrival: Arrival, deps: InboundGateDeps): Result<Believed, Refusal> {
  const sp = deps.providers.find(issuerOf(read.root));
  if (sp === undefined) return refuse("issuer", "/*/saml:Issuer", "the entity ID of a configured service provider");
  const verified = verify(read, envelope, sp);
  if (!verified.ok) return verified;
  const { root, source, isSigned } = verified.value;
  const message = readMessage(root);
  if (message === undefined || message.issuer !== sp.entityId) return refuse("issuer", "/*/saml:Issuer", sp.entityId);
  if (!isSigned && mustBeSigned(message, sp)) return refuse("signature-missing", "/*", "a signed message");
  const now = deps.clock.now();
  const problem =
    commonRules(message, { now, endpoint: deps.issuer + arrival.endpoint, isSigned }) ??
    (isLogoutRequest(message) ? logoutRules(message, now) : undefined) ??
    disagreement(message, source);
  if (problem !== undefined) return failure(problem);
  return success({
    message,
    sp,
    relayState: envelope.relayState,
    isSigned,
    binding: envelope.binding,
    source,
  });
}

function isLogoutRequest(message: InboundMessage): message is LogoutRequest {
  return message.kind === "LogoutRequest";
}

/** A forged LogoutRequest would end somebody's session, a forged response would claim it: those are always signed. */
function mustBeSigned(message: InboundMessage, sp: ServiceProvider): boolean {
  return message.kind !== "AuthnRequest" || sp.signsRequests || sp.settings.requireSignedRequests;
}

/** A signature that is there must be right, whether it is demanded or not. */
function verify(
  read: Read,
  { binding, detached }: Envelope,
  sp: ServiceProvider,
): Result<Read & { readonly isSigned: boolean }, Refusal> {
  const found = findSignature(read.source, read.root);
  if (!found.ok) return found;
  if (binding === "redirect") {
    if (found.value !== undefined)
      return refuse("signature-place", "/*/ds:Signature", "a signature in the query, none in the message");
    if (detached === undefined) return success({ ...read, isSigned: false });
    if (!isSignatureAlgorithm(detached.algorithm))
      return refuse("signature-algorithm", "query SigAlg", "RSA or ECDSA with SHA-256, SHA-384 or SHA-512");
    const isGood = isSignedByAny(sp.signingKeys, detached.algorithm, detached.octets, detached.signature);
    return isGood
      ? success({ ...read, isSigned: true })
      : refuse("signature", "query Signature", "a signature by one of the certificates in the metadata");
  }
  if (found.value === undefined) return success({ ...read, isSigned: false });
  const signed = readSigned(read.source, read.root, found.value, sp.signingKeys);
  return signed.ok ? success({ ...signed.value, isSigned: true }) : signed;
}
