import assert from "node:assert/strict";
import { follow, type Visit, type Visitor } from "../browser.ts";

/** The steps of a SAML sign-in against one provider. */
export function samlJourney(issuer: () => string) {
  async function submit(visitor: Visitor, page: Visit, username: string, password = "right"): Promise<Visit> {
    const answer = await visitor.post(page.url, { csrf: page.field("csrf"), username, password });
    assert.equal(answer.status, 200, answer.body);
    assert.ok(answer.handoff, "a hand-off page");
    return follow(visitor, await visitor.get(new URL(answer.handoff, issuer()).href), issuer());
  }
  /** Opens an address at the provider and signs in where a form is shown; the page that posts the response. */
  async function signIn(visitor: Visitor, url: string, username = "demo"): Promise<Visit> {
    const page = await follow(visitor, await visitor.get(url), issuer());
    return page.field("SAMLResponse") === "" ? submit(visitor, page, username) : page;
  }
  return { submit, signIn };
}

/** The certificate published in a provider's metadata, as PEM. */
export async function idpCertificate(issuer: string): Promise<string> {
  const metadata = await (await fetch(`${issuer}/saml/metadata`)).text();
  const body = /<ds:X509Certificate>([^<]+)</.exec(metadata.slice(metadata.indexOf("<md:IDPSSODescriptor")))?.[1] ?? "";
  return `-----BEGIN CERTIFICATE-----\n${body.replaceAll(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`;
}
