import { deflateRawSync } from "node:zlib";
import { RSA_SHA256 } from "../inbound/algorithms.ts";
import type { SingleLogoutService } from "../sp/model.ts";
import { NS, STATUS } from "../xml/names.ts";
import { textOf, xml } from "../xml/write.ts";
import type { NameId } from "./name-id.ts";
import { instant } from "./response.ts";
import type { Signer } from "./signer.ts";

const SAML = { "xmlns:samlp": NS.protocol, "xmlns:saml": NS.assertion } as const;
/** Milliseconds a LogoutRequest counts. */
const LIFETIME = 5 * 60_000;

interface Frame {
  readonly id: string;
  readonly issuer: string;
  readonly destination: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

/** saml-core 3.7.1: the person as this provider knows them, with every session it was told of. */
export function logoutRequest(
  { id, issuer, destination, now }: Frame,
  who: { nameId: NameId; audience: string; sessionIndexes: readonly string[] },
): string {
  const { nameId, audience, sessionIndexes } = who;
  return xml(
    "samlp:LogoutRequest",
    {
      ...SAML,
      ID: id,
      Version: "2.0",
      IssueInstant: instant(now),
      Destination: destination,
      NotOnOrAfter: instant(now + LIFETIME),
    },
    xml("saml:Issuer", {}, textOf(issuer)),
    xml(
      "saml:NameID",
      { Format: nameId.format, NameQualifier: issuer, SPNameQualifier: audience },
      textOf(nameId.value),
    ),
    ...sessionIndexes.map((index) => xml("samlp:SessionIndex", {}, textOf(index))),
  ).markup;
}

/** saml-core 3.7.2: our own session is over; `isPartial` when somebody else could not be told. */
export function logoutResponse(
  { id, issuer, destination, now }: Frame,
  inResponseTo: string,
  isPartial: boolean,
): string {
  const second = isPartial ? [xml("samlp:StatusCode", { Value: STATUS.partialLogout })] : [];
  return xml(
    "samlp:LogoutResponse",
    {
      ...SAML,
      ID: id,
      Version: "2.0",
      IssueInstant: instant(now),
      Destination: destination,
      InResponseTo: inResponseTo,
    },
    xml("saml:Issuer", {}, textOf(issuer)),
    xml("samlp:Status", {}, xml("samlp:StatusCode", { Value: STATUS.success }, ...second)),
  ).markup;
}

/** How a browser takes a message to a provider. */
export type Carriage =
  | { readonly binding: "redirect"; readonly href: string }
  | {
      readonly binding: "post";
      readonly action: string;
      readonly fields: readonly { readonly name: string; readonly value: string }[];
    };

export interface Parcel {
  readonly parameter: "SAMLRequest" | "SAMLResponse";
  readonly root: "LogoutRequest" | "LogoutResponse";
  readonly markup: string;
  readonly to: Pick<SingleLogoutService, "binding"> & { readonly address: string };
  readonly relayState: string | undefined;
}

/** Signs a message and packs it for its binding (saml-bindings 3.4.4 and 3.5.4). */
export function pack(signer: Signer, { parameter, root, markup, to, relayState }: Parcel): Carriage {
  if (to.binding === "post") {
    const relay = relayState === undefined ? [] : [{ name: "RelayState", value: relayState }];
    return {
      binding: "post",
      action: to.address,
      fields: [{ name: parameter, value: signer.message(markup, root) }, ...relay],
    };
  }
  const fields: readonly (readonly [string, string])[] = [
    [parameter, deflateRawSync(markup).toString("base64")],
    ...(relayState === undefined ? [] : [["RelayState", relayState] as const]),
    ["SigAlg", RSA_SHA256],
  ];
  const octets = fields.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&");
  const separator = to.address.includes("?") ? "&" : "?";
  return {
    binding: "redirect",
    href: `${to.address}${separator}${octets}&Signature=${encodeURIComponent(signer.octets(octets))}`,
  };
}
