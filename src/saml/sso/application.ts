import type { SignInRequest } from "../../login/index.ts";
import type { ServiceProvider } from "../sp/model.ts";
import type { PendingRequest } from "./requests.ts";

/** What the backend is told about the service provider behind a step: its validated entity id, never what a message claims. */
export function applicationOf(
  sp: ServiceProvider,
  request: Pick<PendingRequest, "acsUrl">,
): SignInRequest["application"] {
  return {
    protocol: "saml",
    oidc_cid: "",
    saml_entity_id: sp.entityId,
    oidc_client_name: "",
    redirect_uri: request.acsUrl,
    requested_scopes: [],
  };
}
