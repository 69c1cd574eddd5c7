// The provider as it is, with a Lua backend that needs no hash, on SQLite.
import { startIdp } from "../../support/idp.ts";
import { answerParent, CLIENT } from "./parts.ts";

const SCRIPT = `
function nauthilus_backend_verify_password(request)
  local b = nauthilus_backend_result.new()
  b:user_found(true)
  b:authenticated(request.password == "right")
  b:account_field("account")
  b:display_name_field("name")
  b:attributes({ account = request.username, name = "Name", mail = "demo@example.org" })
  return nauthilus_builtin.BACKEND_RESULT_OK, b
end`;

const idp = await startIdp({
  script: SCRIPT,
  store: "sqlite",
  oidc: `  clients:
    - { client_id: ${CLIENT.client_id}, client_secret: ${CLIENT.client_secret}, redirect_uris: ["${CLIENT.redirect_uri}"], grant_types: [authorization_code, refresh_token], skip_consent: true }`,
  more: "login: { throttle: { account: 1000000/1h, address: 1000000/1h } }\nobservability: { log: { level: warn } }",
});
answerParent(idp.issuer);
