import { NS, STATUS } from "../xml/names.ts";
import { textOf, type XmlPart, xml } from "../xml/write.ts";
import type { NameId } from "./name-id.ts";

const SAML = { "xmlns:samlp": NS.protocol, "xmlns:saml": NS.assertion } as const;
/** Milliseconds an assertion may be on its way, and how far behind a provider's clock may be. */
const LIFETIME = 5 * 60_000;
const BEHIND = 60_000;

/** What every response says. */
export interface ResponseFrame {
  readonly responseId: string;
  readonly issuer: string;
  /** The AssertionConsumerService it is posted to. */
  readonly destination: string;
  /** `undefined` when no request was made. */
  readonly inResponseTo: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

export interface AssertionFacts {
  readonly assertionId: string;
  readonly audience: string;
  readonly nameId: NameId;
  readonly sessionIndex: string;
  /** Seconds since the epoch of the person's last proof. */
  readonly authTime: number;
  /** Milliseconds since the epoch at which the browser session ends. */
  readonly sessionEndsAt: number;
  readonly contextClass: string;
  readonly attributes: XmlPart | undefined;
}

/** A Response with status Success and one Assertion for the Web Browser SSO profile (saml-profiles 4.1.4.2), not signed yet. */
export function successResponse(frame: ResponseFrame, facts: AssertionFacts): string {
  return response(frame, xml("samlp:StatusCode", { Value: STATUS.success }), assertion(frame, facts));
}

/** A Response that says why there is no assertion (saml-core 3.2.2.2). */
export function statusResponse(frame: ResponseFrame, status: string, second: string): string {
  return response(frame, xml("samlp:StatusCode", { Value: status }, xml("samlp:StatusCode", { Value: second })));
}

function response(
  { responseId, issuer, destination, inResponseTo, now }: ResponseFrame,
  status: XmlPart,
  ...content: readonly XmlPart[]
): string {
  return xml(
    "samlp:Response",
    {
      ...SAML,
      ID: responseId,
      Version: "2.0",
      IssueInstant: instant(now),
      Destination: destination,
      InResponseTo: inResponseTo,
    },
    xml("saml:Issuer", {}, textOf(issuer)),
    xml("samlp:Status", {}, status),
    ...content,
  ).markup;
}

function assertion({ issuer, destination, inResponseTo, now }: ResponseFrame, facts: AssertionFacts): XmlPart {
  const until = instant(now + LIFETIME);
  const { nameId, audience, attributes } = facts;
  const subject = xml(
    "saml:Subject",
    {},
    xml(
      "saml:NameID",
      { Format: nameId.format, NameQualifier: issuer, SPNameQualifier: audience },
      textOf(nameId.value),
    ),
    xml(
      "saml:SubjectConfirmation",
      { Method: "urn:oasis:names:tc:SAML:2.0:cm:bearer" },
      xml("saml:SubjectConfirmationData", { NotOnOrAfter: until, Recipient: destination, InResponseTo: inResponseTo }),
    ),
  );
  const conditions = xml(
    "saml:Conditions",
    { NotBefore: instant(now - BEHIND), NotOnOrAfter: until },
    xml("saml:AudienceRestriction", {}, xml("saml:Audience", {}, textOf(audience))),
  );
  const authn = xml(
    "saml:AuthnStatement",
    {
      AuthnInstant: instant(facts.authTime * 1000),
      SessionIndex: facts.sessionIndex,
      SessionNotOnOrAfter: instant(facts.sessionEndsAt),
    },
    xml("saml:AuthnContext", {}, xml("saml:AuthnContextClassRef", {}, textOf(facts.contextClass))),
  );
  const frame = { "xmlns:saml": NS.assertion, ID: facts.assertionId, Version: "2.0", IssueInstant: instant(now) };
  return xml(
    "saml:Assertion",
    frame,
    xml("saml:Issuer", {}, textOf(issuer)),
    subject,
    conditions,
    authn,
    ...(attributes === undefined ? [] : [attributes]),
  );
}

/** xs:dateTime in UTC. */
export function instant(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}
