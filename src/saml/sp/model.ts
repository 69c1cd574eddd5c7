import type { KeyObject } from "node:crypto";
import type { Demand } from "../../login/index.ts";
import type { NameIdKind } from "../xml/names.ts";

/** A service provider: what its metadata says, and what the operator decided about it. */
export interface ServiceProvider {
  readonly entityId: string;
  /** The name people know it by. */
  readonly name: string;
  /** AssertionConsumerServices of the POST binding, in the order of the metadata; at least one. */
  readonly acs: readonly AssertionConsumerService[];
  readonly slo: readonly SingleLogoutService[];
  /** Keys that may sign its messages: every certificate for signing, also during a rollover. */
  readonly signingKeys: readonly KeyObject[];
  /** PEM certificate to encrypt assertions for. */
  readonly encryptionCertificate: string | undefined;
  /** `AuthnRequestsSigned` of the metadata. */
  readonly signsRequests: boolean;
  readonly settings: SpSettings;
}

export interface AssertionConsumerService {
  readonly url: string;
  readonly index: number;
  readonly isDefault: boolean;
}

export interface SingleLogoutService {
  readonly binding: "redirect" | "post";
  readonly url: string;
  /** Where responses go when not to `url` (saml-metadata 2.2.2). */
  readonly responseUrl: string;
}

/** The operator's part. */
export interface SpSettings {
  readonly attributes: Readonly<Record<string, ReleasedAttribute>>;
  readonly nameId: NameIdKind;
  readonly requireSignedRequests: boolean;
  readonly signResponse: boolean;
  readonly signAssertion: boolean;
  readonly encryptAssertion: boolean;
  readonly idpInitiated: boolean;
  /** What the operator asks of a sign-in for it. */
  readonly policy: Pick<Demand, "policy" | "methods">;
  /** Its own start page. */
  readonly home?: string | undefined;
  readonly allowGroups: readonly string[];
}

/** Key of the map: the backend attribute. */
export interface ReleasedAttribute {
  readonly name: string;
  readonly nameFormat: "uri" | "basic" | "unspecified";
  readonly friendlyName: string | undefined;
}

/** The service providers of this moment; a reload swaps the answers, not the object. */
export interface ServiceProviders {
  find(entityId: string): ServiceProvider | undefined;
  all(): readonly ServiceProvider[];
}
