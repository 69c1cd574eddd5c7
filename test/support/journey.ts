import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { follow, type Visit, type Visitor } from "./browser.ts";

/** A backend that answers by the user's name. */
export const SCRIPT = `
local seen = {}
function nauthilus_backend_verify_password(request)
  local B = nauthilus_builtin
  print("call cid=" .. request.oidc_cid .. " entity=" .. request.saml_entity_id .. " protocol=" .. request.protocol .. " no_auth=" .. tostring(request.no_auth))
  if request.username == "broken" then error("the database is down") end
  if request.username == "strange" then return "0" end
  if request.username == "nobody" then return B.BACKEND_RESULT_NOT_FOUND end
  if request.username == "banned" then return B.BACKEND_RESULT_DENIED end
  if request.no_auth and request.oidc_cid == "forbidden" then return B.BACKEND_RESULT_DENIED end
  local b = nauthilus_backend_result.new()
  b:user_found(true)
  b:authenticated(request.password == "right")
  b:account_field("account")
  b:unique_user_id_field("uid")
  b:display_name_field("name")
  b:attributes({ account = request.username, uid = "u-" .. request.username, name = "Name of " .. request.username, mail = request.username .. "@example.org", groups = { "staff" } })
  return B.BACKEND_RESULT_OK, b
end`;

export const CALLBACK = "http://127.0.0.1:9/callback";
/** Applications of the sign-in tests. */
export const OIDC = `  clients:
    - { client_id: app, client_name: Test application, client_secret: a-secret-of-the-test-application, redirect_uris: ["${CALLBACK}"], grant_types: [authorization_code, refresh_token], skip_consent: true }
    - { client_id: asking, client_name: Asking application, client_secret: a-secret-of-the-test-application, redirect_uris: ["${CALLBACK}"] }
    - { client_id: forbidden, client_name: Forbidden application, client_secret: a-secret-of-the-test-application, redirect_uris: ["${CALLBACK}"], skip_consent: true }
    - { client_id: editors, client_name: For editors, client_secret: a-secret-of-the-test-application, redirect_uris: ["${CALLBACK}"], skip_consent: true, allow_groups: [editors] }`;

const VERIFIER = randomBytes(32).toString("base64url");

/** The steps of a sign-in against one provider. */
export function journeyOf(issuer: () => string) {
  function authorizeUrl(client: string, more: Readonly<Record<string, string>> = {}): string {
    const query = new URLSearchParams({
      client_id: client,
      redirect_uri: CALLBACK,
      response_type: "code",
      scope: "openid profile email groups",
      state: "s",
      nonce: "n",
      code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"),
      code_challenge_method: "S256",
      ...more,
    });
    return `${issuer()}/oidc/authorize?${query.toString()}`;
  }

  async function loginPage(
    visitor: Visitor,
    client = "app",
    more: Readonly<Record<string, string>> = {},
  ): Promise<Visit> {
    return follow(visitor, await visitor.get(authorizeUrl(client, more)), issuer());
  }

  async function submit(visitor: Visitor, page: Visit, username: string, password: string): Promise<Visit> {
    return visitor.post(page.url, { csrf: page.field("csrf"), username, password });
  }

  /** Signs in and follows the hand-off as far as it stays with the provider. */
  async function signIn(visitor: Visitor, client = "app", username = "demo"): Promise<Visit> {
    const answer = await submit(visitor, await loginPage(visitor, client), username, "right");
    assert.equal(answer.status, 200);
    assert.ok(answer.handoff !== undefined);
    return follow(visitor, await visitor.get(new URL(answer.handoff, issuer()).href), issuer());
  }

  function codeOf(visit: Visit): string {
    const code = new URL(visit.location ?? "").searchParams.get("code");
    assert.ok(code !== null, visit.location);
    return code;
  }

  function token(body: Readonly<Record<string, string>>, client = "app"): Promise<Response> {
    const authorization = `Basic ${Buffer.from(`${client}:a-secret-of-the-test-application`).toString("base64")}`;
    return fetch(`${issuer()}/oidc/token`, {
      method: "POST",
      headers: { authorization },
      body: new URLSearchParams(body),
    });
  }

  /** What is sent for a code. */
  function grantOf(code: string): Readonly<Record<string, string>> {
    return { grant_type: "authorization_code", code, redirect_uri: CALLBACK, code_verifier: VERIFIER };
  }

  function redeem(code: string, client = "app", more: Readonly<Record<string, string>> = {}): Promise<Response> {
    return token({ ...grantOf(code), ...more }, client);
  }

  return { authorizeUrl, loginPage, submit, signIn, codeOf, token, grantOf, redeem };
}
