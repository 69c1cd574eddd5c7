import { createHmac } from "node:crypto";
import type { AccessAccount, AccountIdentity } from "../../login/index.ts";
import type { AuthnRequest } from "../inbound/messages.ts";
import type { ServiceProvider } from "../sp/model.ts";
import { NAME_ID, type NameIdKind } from "../xml/names.ts";
import { isXmlText } from "../xml/write.ts";

/** How a person is called towards one service provider. */
export interface NameId {
  readonly value: string;
  readonly format: string;
}

/**
 * The kind of NameID to send (saml-core 3.4.1.1), or `undefined` when the request's policy cannot be met. What a provider may ask for
 * beyond the operator's choice reveals less than it: a name of its own, or one for this session only.
 */
export function nameIdKind(policy: AuthnRequest["nameIdPolicy"], sp: ServiceProvider): NameIdKind | undefined {
  if (policy?.spNameQualifier !== undefined && policy.spNameQualifier !== sp.entityId) return undefined;
  const format = policy?.format;
  if (format === undefined || format === NAME_ID.unspecified) return sp.settings.nameId;
  const allowed: readonly NameIdKind[] = [sp.settings.nameId, "persistent", "transient"];
  return allowed.find((kind) => NAME_ID[kind] === format);
}

export interface NameIdFacts {
  readonly identity: AccountIdentity;
  readonly account: AccessAccount;
  readonly sp: ServiceProvider;
  readonly secret: Uint8Array;
  /** A fresh unguessable value. */
  readonly newId: () => string;
}

/** The NameID; `undefined` when this account has none of that kind, such as no mail address. */
export function nameIdFor(kind: NameIdKind, { identity, account, sp, secret, newId }: NameIdFacts): NameId | undefined {
  const named = (value: string | undefined): NameId | undefined =>
    value === undefined || value === "" || !isXmlText(value) ? undefined : { value, format: NAME_ID[kind] };
  switch (kind) {
    case "persistent":
      // saml-core 8.3.7: opaque, stable, and another one for every provider.
      return named(createHmac("sha256", secret).update(`${sp.entityId}\0${identity.subject}`).digest("base64url"));
    case "transient":
      return named(`_${newId()}`);
    case "email":
      return named(account.attributes["mail"]?.[0]);
    case "unspecified":
      return named(account.name);
    default:
      return kind satisfies never;
  }
}
