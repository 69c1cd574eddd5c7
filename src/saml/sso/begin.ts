import type { Response } from "express";
import { localPath, type Reply } from "../../http/index.ts";
import { type Clock, IdpError } from "../../kernel/index.ts";
import { defaultAcs } from "../inbound/rules.ts";
import type { ServiceProvider, ServiceProviders } from "../sp/model.ts";
import type { SamlGate } from "./gate.ts";
import type { PendingRequests } from "./requests.ts";

export interface BeginDeps {
  readonly providers: ServiceProviders;
  readonly requests: PendingRequests;
  readonly gate: SamlGate;
  readonly clock: Clock;
}

/**
 * IdP-initiated sign-on (saml-profiles 4.1.5): `?sp=<entity id>&RelayState=…`, where the operator allows it for this provider.
 * @throws IdpError SAML_MESSAGE_REFUSED
 */
export async function begin(deps: BeginDeps, query: URLSearchParams, res: Response): Promise<Reply> {
  const sp = providerOf(deps.providers, query);
  const acs = sp === undefined ? undefined : defaultAcs(sp);
  if (sp === undefined || acs === undefined)
    throw new IdpError("SAML_MESSAGE_REFUSED", {
      rule: "idp-initiated",
      at: "query",
      expected: "sp once, a provider with idp_initiated: true, and a RelayState of at most 4096 characters",
    });
  const recorded = await deps.requests.record(
    {
      entityId: sp.entityId,
      requestId: undefined,
      acsUrl: acs.url,
      relayState: query.get("RelayState") ?? undefined,
      receivedAt: deps.clock.now(),
      forceAuthn: false,
      isPassive: false,
      nameIdPolicy: undefined,
      context: undefined,
      subject: undefined,
      proven: undefined,
      ended: undefined,
    },
    "",
  );
  if (recorded.kind === "replayed")
    throw new IdpError("INTERNAL", { because: "a request without an id cannot be a replay" });
  return { kind: "redirect", to: localPath(deps.gate.bind(res, recorded.id)) };
}

function providerOf(providers: ServiceProviders, query: URLSearchParams): ServiceProvider | undefined {
  const names = [...query.keys()];
  const relayState = query.get("RelayState") ?? "";
  const isSound =
    new Set(names).size === names.length &&
    names.every((name) => name === "sp" || name === "RelayState") &&
    relayState.length <= 4_096 &&
    !relayState.includes("\0");
  const sp = isSound ? providers.find(query.get("sp") ?? "") : undefined;
  return sp?.settings.idpInitiated === true ? sp : undefined;
}
