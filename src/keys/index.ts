/** The provider's own secrets: signing keys, cookie and form keys. Made once, kept in the store, never printed. */

export { makeSamlKey, type SamlKey } from "./certificate.ts";
export { type KeyRing, openKeyRing } from "./key-ring.ts";
export {
  activateSamlCertificate,
  addSamlCertificate,
  type CertificateChange,
  listSamlCertificates,
  readSamlKeys,
  removeSamlCertificate,
  type SamlCertificate,
} from "./saml-keys.ts";
export { createSigningKeys, jwksOf, type RotationPolicy, type SigningKey, type SigningKeys } from "./signing-keys.ts";
