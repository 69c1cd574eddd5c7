import type { AccessRule, SignInRequest } from "../../login/index.ts";
import { defaultAcs } from "../inbound/rules.ts";
import { applicationOf } from "../sso/application.ts";
import type { ServiceProviders } from "./model.ts";

/** A provider a person may be taken to: to its own start page, or without a request of its own (saml-profiles 4.1.5). */
export interface LaunchableProvider {
  readonly name: string;
  readonly href: string;
  readonly rule: AccessRule;
  readonly application: SignInRequest["application"];
}

/** A provider a person is signed in to. */
export interface ConnectedProvider {
  readonly entityId: string;
  readonly name: string;
  /** Milliseconds since the epoch. */
  readonly since: number | undefined;
}

export function launchableProviders(providers: ServiceProviders): readonly LaunchableProvider[] {
  return providers
    .all()
    .filter(({ settings }) => settings.idpInitiated || settings.home !== undefined)
    .flatMap((sp) => {
      const acs = defaultAcs(sp);
      if (acs === undefined) return [];
      const application = applicationOf(sp, { acsUrl: acs.url });
      const href = sp.settings.home ?? `/saml/sso?sp=${encodeURIComponent(sp.entityId)}`;
      return [{ name: sp.name, href, rule: { allow_groups: sp.settings.allowGroups }, application }];
    });
}
