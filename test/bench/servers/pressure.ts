// The provider on SQLite with passwords hashed by Argon2id (19 MiB, 2 passes, 1 lane), a SAML side, and people whose script never ends.
import { hashSync } from "@node-rs/argon2";
import { startIdp } from "../../support/idp.ts";
import { answerParent, CLIENTS, logTo, MORE } from "./parts.ts";

const HASH = hashSync("right", { memoryCost: 19_456, timeCost: 2, parallelism: 1 });

const SCRIPT = `
local passwords = require("nauthilus_password")
function nauthilus_backend_verify_password(request)
  if string.sub(request.username, 1, 7) == "runaway" then while true do end end
  local b = nauthilus_backend_result.new()
  b:user_found(true)
  if not request.no_auth then
    local matches, err = passwords.compare_passwords("${HASH}", request.password)
    if err ~= nil then return nauthilus_builtin.BACKEND_RESULT_ERROR end
    b:authenticated(matches)
  end
  b:account_field("account")
  b:display_name_field("name")
  b:attributes({ account = request.username, name = "Name", mail = "demo@example.org" })
  return nauthilus_builtin.BACKEND_RESULT_OK, b
end`;

const idp = await startIdp({
  script: SCRIPT,
  store: "sqlite",
  oidc: CLIENTS,
  logTo,
  more: `${MORE}\nsaml: { service_providers: [{ entity_id: "https://sp.example/md", acs: ["https://sp.example/acs"] }] }`,
});
answerParent(idp.issuer);
