import type { AssertionConsumerService, ServiceProvider } from "../sp/model.ts";
import { BINDING } from "../xml/names.ts";
import type { Refusal } from "../xml/refusal.ts";
import type { AuthnRequest, InboundMessage, LogoutRequest } from "./messages.ts";

/** Milliseconds a sender's clock may be off, and a message may be on its way. */
export const SKEW = 5 * 60_000;

export interface Circumstances {
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Our own address the message came to. */
  readonly endpoint: string;
  readonly isSigned: boolean;
}

const INSTANT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/;

/** The rules every message has to meet (saml-core 3.2.1, saml-bindings 3.4.5.2 and 3.5.5.2). */
export function commonRules(message: InboundMessage, { now, endpoint, isSigned }: Circumstances): Refusal | undefined {
  if (message.version !== "2.0") return { rule: "version", at: "/*/@Version", expected: "2.0" };
  if (message.id.length < 2 || message.id.length > 256)
    return { rule: "id", at: "/*/@ID", expected: "2 to 256 characters" };
  const instant = INSTANT.test(message.issueInstant) ? Date.parse(message.issueInstant) : Number.NaN;
  if (!(Math.abs(now - instant) <= SKEW))
    return { rule: "issue-instant", at: "/*/@IssueInstant", expected: "within five minutes of our clock" };
  if (message.destination === undefined && isSigned)
    return { rule: "destination", at: "/*/@Destination", expected: `${endpoint}, because the message is signed` };
  if (message.destination !== undefined && message.destination !== endpoint)
    return { rule: "destination", at: "/*/@Destination", expected: endpoint };
  return undefined;
}

/** Where the answer to a request goes: only ever an address that is registered (saml-profiles 4.1.4.1). */
export function resolveAcs(request: AuthnRequest, sp: ServiceProvider): AssertionConsumerService | Refusal {
  if (request.protocolBinding !== undefined && request.protocolBinding !== BINDING.post)
    return { rule: "binding", at: "/*/@ProtocolBinding", expected: BINDING.post };
  if (request.acsUrl !== undefined && request.acsIndex !== undefined)
    return { rule: "acs", at: "/*/@AssertionConsumerServiceIndex", expected: "an address or an index, not both" };
  const wanted = request.acsUrl ?? request.acsIndex;
  const found =
    wanted === undefined
      ? defaultAcs(sp)
      : sp.acs.find(({ url, index }) => (typeof wanted === "string" ? url === wanted : index === wanted));
  return (
    found ?? {
      rule: "acs",
      at: request.acsUrl === undefined ? "/*/@AssertionConsumerServiceIndex" : "/*/@AssertionConsumerServiceURL",
      expected: "one of the metadata's POST AssertionConsumerServices",
    }
  );
}

/** saml-metadata 2.2.3: the default one, else the first. */
export function defaultAcs(sp: ServiceProvider): AssertionConsumerService | undefined {
  return sp.acs.find(({ isDefault }) => isDefault) ?? sp.acs[0];
}

export function logoutRules(request: LogoutRequest, now: number): Refusal | undefined {
  if (request.nameId === undefined) return { rule: "name-id", at: "/*/saml:NameID", expected: "an unencrypted NameID" };
  const { notOnOrAfter } = request;
  const isOver = notOnOrAfter !== undefined && !(INSTANT.test(notOnOrAfter) && Date.parse(notOnOrAfter) + SKEW > now);
  return isOver ? { rule: "not-on-or-after", at: "/*/@NotOnOrAfter", expected: "a time to come" } : undefined;
}
