// The provider on SQLite, with people whose names say what they have: t… an authenticator app, k… a key, the others nothing.
import { FACTOR_SCRIPT } from "../../support/factors.ts";
import { startIdp } from "../../support/idp.ts";
import { answerParent, CLIENT, logTo } from "./parts.ts";

/** The secret of everybody with an authenticator app. */
const SCRIPT = FACTOR_SCRIPT.replace(
  'totp = get("totp:" .. request.username)',
  'totp = string.sub(request.username, 1, 1) == "t" and "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" or get("totp:" .. request.username)',
).replace(/ {2}print\("spy.*\n/, "");

const idp = await startIdp({
  script: SCRIPT,
  store: "sqlite",
  logTo,
  oidc: `  clients:
    - { client_id: ${CLIENT.client_id}, client_secret: ${CLIENT.client_secret}, redirect_uris: ["${CLIENT.redirect_uri}"], skip_consent: true }`,
  more: `mfa: { throttle: { account: 1000000/1h, address: 1000000/1h } }
login: { throttle: { account: 1000000/1h, address: 1000000/1h } }`,
});
answerParent(idp.issuer);
