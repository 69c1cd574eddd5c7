import { createHmac, createPublicKey } from "node:crypto";
import { both, type Hostile, type Target } from "./hostile.ts";
import { authnRequest, newId, RSA_SHA256, redirectQuery, signXml } from "./messages.ts";

/** Signatures of the Redirect binding that do not cover what is used. */
export function detached({ open, strict, attacker, destination }: Target): Hostile[] {
  const xml = () => authnRequest({ issuer: open.entityId, destination });
  const good = () => redirectQuery(xml(), { relayState: "a", privateKey: open.key.privateKey });
  const get = (name: string, payload: string): Hostile => ({
    attackClass: "detached",
    name,
    binding: "redirect",
    payload,
  });
  const publicKey = createPublicKey(open.key.certificate).export({ type: "spki", format: "pem" });
  const unsigned = `${redirectQuery(xml())}&SigAlg=${encodeURIComponent("http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")}`;
  const hmac = createHmac("sha256", publicKey).update(unsigned).digest("base64");
  return [
    get("the RelayState changed", good().replace("RelayState=a", "RelayState=b")),
    get("the RelayState removed", good().replace("&RelayState=a", "")),
    get(
      "a RelayState added",
      redirectQuery(xml(), { privateKey: open.key.privateKey }).replace("&SigAlg", "&RelayState=x&SigAlg"),
    ),
    get("the request changed", good().replace(/SAMLRequest=[^&]+/, redirectQuery(xml()))),
    get("no SigAlg", good().replace(/&SigAlg=[^&]+/, "")),
    get("no Signature", good().replace(/&Signature=[^&]+/, "")),
    get("an empty Signature", good().replace(/&Signature=[^&]+/, "&Signature=")),
    get(
      "a random Signature",
      good().replace(/&Signature=[^&]+/, `&Signature=${encodeURIComponent(Buffer.alloc(256, 7).toString("base64"))}`),
    ),
    get("a Signature twice", `${good()}&Signature=x`),
    get("an attacker's key", redirectQuery(xml(), { privateKey: attacker.privateKey })),
    get("another provider's key", redirectQuery(xml(), { privateKey: strict.key.privateKey })),
    get(
      "SHA-1",
      redirectQuery(xml(), {
        privateKey: open.key.privateKey,
        algorithm: "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        hash: "sha1",
      }),
    ),
    get("SHA-1 under the name of SHA-256", redirectQuery(xml(), { privateKey: open.key.privateKey, hash: "sha1" })),
    get(
      "MD5",
      redirectQuery(xml(), {
        privateKey: open.key.privateKey,
        algorithm: "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        hash: "md5",
      }),
    ),
    get("an HMAC with the public key", `${unsigned}&Signature=${encodeURIComponent(hmac)}`),
    get("an unknown algorithm", redirectQuery(xml(), { privateKey: open.key.privateKey, algorithm: "urn:x" })),
    get(
      "the algorithm in capitals",
      redirectQuery(xml(), { privateKey: open.key.privateKey, algorithm: RSA_SHA256.toUpperCase() }),
    ),
    get("a prototype as algorithm", redirectQuery(xml(), { privateKey: open.key.privateKey, algorithm: "__proto__" })),
    get("an enveloped signature", redirectQuery(signXml(xml(), { privateKey: open.key.privateKey }))),
    get(
      "no destination in a signed message",
      redirectQuery(xml().replace(/ Destination="[^"]+"/, ""), { privateKey: open.key.privateKey }),
    ),
    ...both(
      "unsigned",
      "no signature where one is demanded",
      authnRequest({ issuer: strict.entityId, destination, id: newId() }),
    ),
  ];
}
