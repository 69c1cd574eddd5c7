import { createPrivateKey, type KeyObject } from "node:crypto";
import {
  Constants,
  IdentityProvider,
  type IdentityProviderInstance,
  SamlLib,
  type ServiceProviderInstance,
  ServiceProvider as samlifyServiceProvider,
} from "samlify";
import type { SamlKey } from "../../keys/index.ts";
import { RSA_SHA256, signOctets } from "../inbound/algorithms.ts";
import type { ServiceProvider } from "../sp/model.ts";
import { BINDING } from "../xml/names.ts";

/** What a response carries: which of its parts are signed, and whether its assertion is hidden from the browser. */
export interface Protection {
  readonly signResponse: boolean;
  readonly signAssertion: boolean;
  readonly encryptAssertion: boolean;
}

/** Signs and encrypts what we send, by samlify. */
export interface Signer {
  /** A Response with one Assertion, as base64. */
  response(markup: string, sp: ServiceProvider): Promise<string>;
  /** Any other message with its signature behind the Issuer, as base64 for the POST binding. */
  message(markup: string, root: string): string;
  /** Metadata, signed. */
  metadata(markup: string): string;
  /** Signature of the octets of a Redirect message. */
  octets(octets: string): string;
}

/** XML Encryption 1.1; the data's integrity is part of the cipher. */
const AES_256_GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm";
const RSA_OAEP = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";

export function createSigner({ entityId, key }: { entityId: string; key: SamlKey }): Signer {
  const privateKey: KeyObject = createPrivateKey(key.privateKey);
  const idpFor = (isAssertionEncrypted: boolean): IdentityProviderInstance =>
    IdentityProvider(
      idpSettings({
        entityID: entityId,
        privateKey: key.privateKey,
        signingCert: key.certificate,
        requestSignatureAlgorithm: RSA_SHA256,
        isAssertionEncrypted,
        dataEncryptionAlgorithm: AES_256_GCM,
        keyEncryptionAlgorithm: RSA_OAEP,
        // samlify complains on the console without endpoints; the real ones are in our metadata.
        singleSignOnService: [{ Binding: BINDING.redirect, Location: entityId }],
        singleLogoutService: [{ Binding: BINDING.redirect, Location: entityId }],
      }),
    );
  const idp = { plain: idpFor(false), encrypting: idpFor(true) };
  // samlify's view of a provider; a reload brings new provider objects, and the old views go with them.
  const views = new WeakMap<ServiceProvider, ServiceProviderInstance>();
  const viewOf = (sp: ServiceProvider): ServiceProviderInstance => {
    const known = views.get(sp);
    if (known !== undefined) return known;
    const { signResponse, signAssertion, encryptAssertion } = sp.settings;
    const made = samlifyServiceProvider({
      entityID: sp.entityId,
      assertionConsumerService: sp.acs.map(({ url }) => ({ Binding: BINDING.post, Location: url })),
      wantAssertionsSigned: signAssertion,
      wantMessageSigned: signResponse,
      ...(encryptAssertion && sp.encryptionCertificate !== undefined ? { encryptCert: sp.encryptionCertificate } : {}),
    });
    views.set(sp, made);
    return made;
  };
  const enveloped = (
    markup: string,
    root: string,
    location: { reference: string; action: "after" | "prepend" },
  ): string =>
    SamlLib.constructSAMLSignature({
      rawSamlMessage: markup,
      referenceTagXPath: `/*[local-name(.)='${root}']`,
      privateKey: key.privateKey,
      signatureAlgorithm: RSA_SHA256,
      signingCert: key.certificate.replaceAll(/-----[^-]+-----|\s/g, ""),
      isBase64Output: false,
      signatureConfig: { prefix: "ds", location },
    });
  return {
    async response(markup, sp) {
      const made = (await idp[sp.settings.encryptAssertion ? "encrypting" : "plain"].createLoginResponse(
        viewOf(sp),
        { extract: {} },
        Constants.wording.binding.post,
        {},
        { customTagReplacement: () => ({ id: "", context: markup }), encryptThenSign: sp.settings.encryptAssertion },
      )) as { context: string };
      return made.context;
    },
    message: (markup, root) =>
      Buffer.from(
        enveloped(markup, root, {
          reference: `/*[local-name(.)='${root}']/*[local-name(.)='Issuer']`,
          action: "after",
        }),
        "utf8",
      ).toString("base64"),
    metadata: (markup) =>
      enveloped(markup, "EntityDescriptor", { reference: "/*[local-name(.)='EntityDescriptor']", action: "prepend" }),
    octets: (octets) => signOctets(privateKey, octets),
  };
}

/** samlify reads its encryption settings here; its types leave them out. */
function idpSettings(
  settings: Parameters<typeof IdentityProvider>[0] & Readonly<Record<string, unknown>>,
): Parameters<typeof IdentityProvider>[0] {
  return settings;
}
