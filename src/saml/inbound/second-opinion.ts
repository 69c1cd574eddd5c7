import { Extractor } from "samlify";
import type { Refusal } from "../xml/refusal.ts";
import type { AuthnRequest, InboundMessage } from "./messages.ts";

/** The fields samlify reads from the same text with its own XPaths. */
const FIELDS = {
  AuthnRequest: only(Extractor.loginRequestFields),
  LogoutRequest: only(Extractor.logoutRequestFields),
  LogoutResponse: only(Extractor.logoutResponseFields),
} as const;

/** Those that are compared: the others cost time and say nothing. */
function only(fields: Extractor.ExtractorFields): Extractor.ExtractorFields {
  return fields.filter(({ key }) => ["request", "response", "issuer", "nameIDPolicy", "nameID"].includes(key));
}

/** What must be the same for samlify and for us: its name there, and our value. */
type Comparison = readonly [at: string, theirs: unknown, ours: string | undefined];

/**
 * samlify reads the message with its signature checks off (they are ours) and must see what we saw: a message two readers
 * understand differently is refused. Names of elements cannot be written in another way: a policy is only looked for where its name is.
 */
export function disagreement(message: InboundMessage, source: string): Refusal | undefined {
  const fields = FIELDS[message.kind].filter(({ key }) => key !== "nameIDPolicy" || source.includes("NameIDPolicy"));
  const read = Extractor.extract(source, fields) as Readonly<Record<string, unknown>>;
  const differs = comparisons(message, read).find(
    ([, theirs, ours]) =>
      (typeof theirs === "string" ? theirs.trim() : undefined) !== (ours === "" ? undefined : ours?.trim()),
  );
  return differs === undefined
    ? undefined
    : { rule: "second-opinion", at: differs[0], expected: "the same value for every reader" };
}

function comparisons(message: InboundMessage, read: Readonly<Record<string, unknown>>): readonly Comparison[] {
  const main = record(read[message.kind === "LogoutResponse" ? "response" : "request"]);
  const common: Comparison[] = [
    ["/*/saml:Issuer", read["issuer"], message.issuer],
    ["/*/@ID", main["id"], message.id],
    ["/*/@Destination", main["destination"], message.destination],
  ];
  // Which samlify does not read of a LogoutResponse.
  const instant: Comparison = ["/*/@IssueInstant", main["issueInstant"], message.issueInstant];
  switch (message.kind) {
    case "AuthnRequest":
      return [...common, instant, ...ofAuthnRequest(message, read, main)];
    case "LogoutRequest":
      return [...common, instant, ["/*/saml:NameID", read["nameID"], message.nameId?.value]];
    case "LogoutResponse":
      return [...common, ["/*/@InResponseTo", main["inResponseTo"], message.inResponseTo]];
    default:
      return message satisfies never;
  }
}

function ofAuthnRequest(
  message: AuthnRequest,
  read: Readonly<Record<string, unknown>>,
  main: Readonly<Record<string, unknown>>,
): readonly Comparison[] {
  const policy = read["nameIDPolicy"];
  const format = typeof policy === "string" ? policy : record(policy)["format"];
  return [
    ["/*/@AssertionConsumerServiceURL", main["assertionConsumerServiceUrl"], message.acsUrl],
    ["/*/samlp:NameIDPolicy/@Format", format, message.nameIdPolicy?.format],
  ];
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
