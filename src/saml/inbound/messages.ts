import { attribute, child, children, textOf, type XmlElement } from "../xml/document.ts";
import { NS } from "../xml/names.ts";

interface Message {
  readonly id: string;
  readonly issuer: string;
  /** As sent, an xs:dateTime. */
  readonly issueInstant: string;
  readonly version: string;
  readonly destination: string | undefined;
}

/** saml-core 3.4.1 */
export interface AuthnRequest extends Message {
  readonly kind: "AuthnRequest";
  readonly forceAuthn: boolean;
  readonly isPassive: boolean;
  readonly acsUrl: string | undefined;
  readonly acsIndex: number | undefined;
  readonly protocolBinding: string | undefined;
  readonly nameIdPolicy:
    | { readonly format: string | undefined; readonly spNameQualifier: string | undefined }
    | undefined;
  readonly context: RequestedAuthnContext | undefined;
  /** The NameID of a Subject the request names, if any: a wish that is checked, never believed. */
  readonly subject: string | undefined;
}

/** saml-core 3.3.2.2.1 */
export interface RequestedAuthnContext {
  readonly comparison: "exact" | "minimum" | "maximum" | "better";
  readonly classes: readonly string[];
}

/** saml-core 3.7.1 */
export interface LogoutRequest extends Message {
  readonly kind: "LogoutRequest";
  readonly notOnOrAfter: string | undefined;
  /** Absent when it is encrypted or a BaseID. */
  readonly nameId: { readonly value: string; readonly format: string | undefined } | undefined;
  readonly sessionIndexes: readonly string[];
}

/** saml-core 3.7.2 */
export interface LogoutResponse extends Message {
  readonly kind: "LogoutResponse";
  readonly inResponseTo: string | undefined;
  readonly status: string;
  readonly secondStatus: string | undefined;
}

export type InboundMessage = AuthnRequest | LogoutRequest | LogoutResponse;

/** Reads a schema-valid root. Which elements are optional is the schema's word; nothing here is judged. */
export function readMessage(root: XmlElement): InboundMessage | undefined {
  if (root.namespaceURI !== NS.protocol) return undefined;
  switch (root.localName) {
    case "AuthnRequest":
      return authnRequest(root);
    case "LogoutRequest":
      return logoutRequest(root);
    case "LogoutResponse":
      return logoutResponse(root);
    default:
      return undefined;
  }
}

/** The Issuer's text, also of a message that is not yet believed: only to find whose keys to try. */
export function issuerOf(root: XmlElement): string {
  const issuer = child(root, NS.assertion, "Issuer");
  return issuer === undefined ? "" : textOf(issuer);
}

function base(root: XmlElement): Message {
  return {
    id: attribute(root, "ID") ?? "",
    issuer: issuerOf(root),
    issueInstant: (attribute(root, "IssueInstant") ?? "").trim(),
    version: attribute(root, "Version") ?? "",
    destination: attribute(root, "Destination"),
  };
}

function authnRequest(root: XmlElement): AuthnRequest {
  const policy = child(root, NS.protocol, "NameIDPolicy");
  const subject = child(root, NS.assertion, "Subject");
  const nameId = subject === undefined ? undefined : child(subject, NS.assertion, "NameID");
  const index = attribute(root, "AssertionConsumerServiceIndex");
  return {
    kind: "AuthnRequest",
    ...base(root),
    forceAuthn: isTrue(attribute(root, "ForceAuthn")),
    isPassive: isTrue(attribute(root, "IsPassive")),
    acsUrl: attribute(root, "AssertionConsumerServiceURL"),
    acsIndex: index === undefined ? undefined : Number(index),
    protocolBinding: attribute(root, "ProtocolBinding"),
    nameIdPolicy:
      policy === undefined
        ? undefined
        : { format: attribute(policy, "Format"), spNameQualifier: attribute(policy, "SPNameQualifier") },
    context: requestedContext(root),
    // An encrypted or empty subject names somebody we cannot compare: never a match.
    subject: subject === undefined ? undefined : nameId === undefined ? "" : textOf(nameId),
  };
}

function requestedContext(root: XmlElement): RequestedAuthnContext | undefined {
  const context = child(root, NS.protocol, "RequestedAuthnContext");
  if (context === undefined) return undefined;
  return {
    comparison: (attribute(context, "Comparison") ?? "exact") as RequestedAuthnContext["comparison"],
    // Declarations (AuthnContextDeclRef) name contexts nobody here declares: no class, so nothing satisfies them.
    classes: children(context, NS.assertion, "AuthnContextClassRef").map(textOf),
  };
}

function logoutRequest(root: XmlElement): LogoutRequest {
  const nameId = child(root, NS.assertion, "NameID");
  return {
    kind: "LogoutRequest",
    ...base(root),
    notOnOrAfter: attribute(root, "NotOnOrAfter"),
    nameId: nameId === undefined ? undefined : { value: nameId.textContent ?? "", format: attribute(nameId, "Format") },
    sessionIndexes: children(root, NS.protocol, "SessionIndex").map(textOf),
  };
}

function logoutResponse(root: XmlElement): LogoutResponse {
  const status = child(root, NS.protocol, "Status");
  const first = status === undefined ? undefined : child(status, NS.protocol, "StatusCode");
  const second = first === undefined ? undefined : child(first, NS.protocol, "StatusCode");
  return {
    kind: "LogoutResponse",
    ...base(root),
    inResponseTo: attribute(root, "InResponseTo"),
    status: first === undefined ? "" : (attribute(first, "Value") ?? ""),
    secondStatus: second === undefined ? undefined : attribute(second, "Value"),
  };
}

function isTrue(value: string | undefined): boolean {
  const trimmed = value?.trim();
  return trimmed === "true" || trimmed === "1";
}
