import type { Hostile, Target } from "./hostile.ts";
import { ASSERTION, authnRequest, idOf, newId, postBody, signXml } from "./messages.ts";

const SIGNATURE = /<ds:Signature[\s\S]*<\/ds:Signature>/;

/** Enveloped signatures that are real, and cover something else than what would be read (Somorovsky et al. 2012, mapped to requests). */
export function wrapping({ strict, destination }: Target): Hostile[] {
  const honest = () =>
    signXml(authnRequest({ issuer: strict.entityId, destination, acs: strict.acs }), {
      privateKey: strict.key.privateKey,
    });
  const evil = (content: string, id = newId()): string =>
    authnRequest({ issuer: strict.entityId, destination, id, content });
  const signatureOf = (xml: string): string => SIGNATURE.exec(xml)?.[0] ?? "";
  const bare = (xml: string): string => xml.replace(SIGNATURE, "");
  const inExtensions = (xml: string): string => `<samlp:Extensions>${xml}</samlp:Extensions>`;
  const assertion = (): string =>
    signXml(
      `<saml:Assertion xmlns:saml="${ASSERTION}" ID="${newId()}" Version="2.0" IssueInstant="${new Date().toISOString()}"><saml:Issuer>${strict.entityId}</saml:Issuer></saml:Assertion>`,
      { privateKey: strict.key.privateKey },
    );
  const forms: Readonly<Record<string, (xml: string) => string>> = {
    "the signed request in Extensions": (xml) => evil(inExtensions(xml)),
    "the signature at the root, the signed request in Extensions": (xml) =>
      evil(signatureOf(xml) + inExtensions(bare(xml))),
    "the same ID twice": (xml) => evil(signatureOf(xml) + inExtensions(bare(xml)), idOf(xml)),
    "the signed request in an Object": (xml) =>
      evil(signatureOf(xml).replace("</ds:Signature>", `<ds:Object>${bare(xml)}</ds:Object></ds:Signature>`)),
    "the signed request in KeyInfo": (xml) =>
      evil(signatureOf(xml).replace("</ds:Signature>", `<ds:KeyInfo>${bare(xml)}</ds:KeyInfo></ds:Signature>`)),
    "the signed request as a child": (xml) => evil(signatureOf(xml) + bare(xml)),
    "the signed request before the Issuer": (xml) =>
      evil(signatureOf(xml)).replace("<saml:Issuer>", `${bare(xml)}<saml:Issuer>`),
    "a root around the signed request": (xml) =>
      `<samlp:AuthnRequest xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">${xml}</samlp:AuthnRequest>`,
    "a signature below Extensions": (xml) =>
      bare(xml).replace("</saml:Issuer>", `</saml:Issuer>${inExtensions(signatureOf(xml))}`),
    "two signatures": (xml) => xml.replace(SIGNATURE, (one) => one + one),
    "another signature in Extensions": (xml) =>
      xml.replace("</ds:Signature>", `</ds:Signature>${inExtensions(signatureOf(honest()))}`),
    "a signed assertion as a child": () => evil(inExtensions(assertion())),
    "a signed assertion whose signature stands at the root": () => {
      const signed = assertion();
      return evil(signatureOf(signed) + inExtensions(bare(signed)));
    },
    "an ACS changed after signing": (xml) => xml.replace(strict.acs, "https://evil.example/acs"),
    "an attribute added after signing": (xml) => xml.replace(" Version=", ' ForceAuthn="true" Version='),
    "the Issuer changed after signing": (xml) =>
      xml.replace(`<saml:Issuer>${strict.entityId}`, `<saml:Issuer>${strict.entityId} `),
  };
  return Object.entries(forms).map(([name, form]) => ({
    attackClass: "wrapping",
    name,
    binding: "post",
    payload: postBody(form(honest())),
  }));
}

/** Enveloped signatures of a wrong make. */
export function makes({ strict, open, attacker, destination }: Target): Hostile[] {
  const xml = () => authnRequest({ issuer: strict.entityId, destination });
  const { privateKey } = strict.key;
  const good = () => signXml(xml(), { privateKey });
  const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
  const enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
  const forms: Readonly<Record<string, () => string>> = {
    "an attacker's key": () => signXml(xml(), { privateKey: attacker.privateKey }),
    "an attacker's key with its certificate": () => signXml(xml(), attacker),
    "another provider's key": () => signXml(xml(), { privateKey: open.key.privateKey }),
    "RSA with SHA-1": () => signXml(xml(), { privateKey, algorithm: "http://www.w3.org/2000/09/xmldsig#rsa-sha1" }),
    "a SHA-1 digest": () => signXml(xml(), { privateKey, digest: "http://www.w3.org/2000/09/xmldsig#sha1" }),
    "an unknown algorithm": () => good().replace("xmldsig-more#rsa-sha256", "xmldsig-more#rsa-sha257"),
    "an HMAC": () =>
      good().replace(
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
      ),
    "an empty reference": () => signXml(xml(), { privateKey, uri: "" }),
    "a reference to nothing": () => good().replace(/URI="#[^"]+"/, 'URI="#nobody"'),
    "no reference": () => good().replace(/<ds:Reference[\s\S]*<\/ds:Reference>/, ""),
    "two references": () => good().replace(/<ds:Reference[\s\S]*<\/ds:Reference>/, (one) => one + one),
    "a signature of the Issuer alone": () => signXml(xml(), { privateKey, xpath: "/*/*[local-name(.)='Issuer']" }),
    "a comment in the digest": () => good().replace("<ds:DigestValue>", "<ds:DigestValue><!-- -->"),
    "an element in the digest": () => good().replace("<ds:DigestValue>", "<ds:DigestValue><x/>"),
    "canonicalization with comments": () =>
      signXml(xml(), { privateKey, transforms: [enveloped, `${exclusive}WithComments`] }),
    "inclusive canonicalization": () =>
      signXml(xml(), { privateKey, canonicalization: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315" }),
    "no enveloped transform": () => signXml(xml(), { privateKey, transforms: [exclusive] }),
    "transforms in another order": () => signXml(xml(), { privateKey, transforms: [exclusive, enveloped] }),
    "an XSLT transform": () =>
      good().replace(
        `<ds:Transform Algorithm="${exclusive}"/>`,
        '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"/>',
      ),
    "an XPath transform": () =>
      good().replace(
        `<ds:Transform Algorithm="${exclusive}"/>`,
        '<ds:Transform Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116"/>',
      ),
    "two SignedInfos": () => good().replace(/<ds:SignedInfo>[\s\S]*<\/ds:SignedInfo>/, (one) => one + one),
    "an Object": () => good().replace("</ds:Signature>", "<ds:Object>x</ds:Object></ds:Signature>"),
    "an empty value": () => good().replace(/<ds:SignatureValue>[^<]*/, "<ds:SignatureValue>"),
    "a random value": () =>
      good().replace(/<ds:SignatureValue>[^<]*/, `<ds:SignatureValue>${Buffer.alloc(256, 9).toString("base64")}`),
    "no destination": () => signXml(xml().replace(/ Destination="[^"]+"/, ""), { privateKey }),
  };
  return Object.entries(forms).map(([name, form]) => ({
    attackClass: "make",
    name,
    binding: "post",
    payload: postBody(form()),
  }));
}
