/**
 * SAML 2.0: believes what service providers send (`inbound/`), answers it (`sso/`, `outbound/`) and knows them (`sp/`).
 * The only importer of samlify, xmldom and libxml2-wasm.
 */
export { openSaml, type Saml, type SamlDeps } from "./saml.ts";
export type { ReleasedAttribute, SpSettings } from "./sp/model.ts";
export type { SpEntry } from "./sp/sources.ts";
