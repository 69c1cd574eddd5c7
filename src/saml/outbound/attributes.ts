import type { AccessAccount } from "../../login/index.ts";
import type { ReleasedAttribute, SpSettings } from "../sp/model.ts";
import { isXmlText, textOf, type XmlPart, xml } from "../xml/write.ts";

const FORMATS: Readonly<Record<ReleasedAttribute["nameFormat"], string>> = {
  uri: "urn:oasis:names:tc:SAML:2.0:attrname-format:uri",
  basic: "urn:oasis:names:tc:SAML:2.0:attrname-format:basic",
  unspecified: "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified",
};

/** The AttributeStatement with what the operator releases to this provider, all values of each; `undefined` when that is nothing. */
export function attributeStatement(account: AccessAccount, released: SpSettings["attributes"]): XmlPart | undefined {
  const attributes = Object.entries(released).flatMap(([key, { name, nameFormat, friendlyName }]) => {
    // A value XML cannot hold is left out: sent in another form it would be another value.
    const values = valuesOf(account, key).filter(isXmlText);
    if (values.length === 0) return [];
    const content = values.map((value) => xml("saml:AttributeValue", {}, textOf(value)));
    return [
      xml("saml:Attribute", { Name: name, NameFormat: FORMATS[nameFormat], FriendlyName: friendlyName }, ...content),
    ];
  });
  return attributes.length === 0 ? undefined : xml("saml:AttributeStatement", {}, ...attributes);
}

/** `account`, `display_name` and `groups` are always there; everything else is a backend attribute. */
function valuesOf(account: AccessAccount, key: string): readonly string[] {
  const own = Object.hasOwn(account.attributes, key) ? (account.attributes[key] ?? []) : [];
  if (key === "account") return [account.name];
  if (key === "groups") return account.groups;
  if (key === "display_name") return account.display_name === undefined ? own : [account.display_name];
  return own;
}
