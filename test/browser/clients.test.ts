import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, test } from "node:test";
import { exportJWK, generateKeyPair } from "jose";
import * as client from "openid-client";
import { type Browser, chromium } from "playwright-core";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { SCRIPT } from "../support/journey.ts";

const SECRET = "a-secret-of-the-test-application";

let idp: TestIdp;
let browser: Browser;
let application: Server;
let origin: string;
let privateKey: client.CryptoKey;

before(async () => {
  // All an application needs here is a place the browser comes back to.
  application = createServer((_req, res) =>
    res.writeHead(200, { "content-type": "text/html" }).end("<title>Application</title>"),
  );
  await new Promise<void>((resolve) => application.listen(0, "127.0.0.1", resolve));
  origin = `http://127.0.0.1:${(application.address() as AddressInfo).port}`;
  const pair = await generateKeyPair("ES256", { extractable: true });
  privateKey = pair.privateKey;
  const jwk = { ...(await exportJWK(pair.publicKey)), alg: "ES256", use: "sig", kid: "k1" };
  const common = `redirect_uris: ["${origin}/callback"], post_logout_redirect_uris: ["${origin}/out"], grant_types: [authorization_code, refresh_token]`;
  idp = await startIdp({
    script: SCRIPT,
    oidc: `  clients:
    - { client_id: public, client_name: A public application, token_endpoint_auth_method: none, ${common} }
    - { client_id: basic, client_name: An application with a secret, client_secret: ${SECRET}, ${common} }
    - { client_id: keys, client_name: An application with a key, token_endpoint_auth_method: private_key_jwt, jwks: { keys: [${JSON.stringify(jwk)}] }, ${common} }`,
  });
  browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
});
after(async () => {
  await browser.close();
  application.closeAllConnections();
  application.close();
  await idp.stop();
});

const methods: Readonly<Record<string, () => client.ClientAuth>> = {
  public: () => client.None(),
  basic: () => client.ClientSecretBasic(SECRET),
  keys: () => client.PrivateKeyJwt({ key: privateKey, kid: "k1" }),
};

for (const [id, method] of Object.entries(methods)) {
  test(`in Chromium, openid-client as "${id}" gets tokens it accepts, refreshes them and signs out`, async () => {
    const config = await client.discovery(new URL(idp.issuer), id, undefined, method(), {
      execute: [client.allowInsecureRequests],
    });
    client.enableNonRepudiationChecks(config);
    const page = await (await browser.newContext({ locale: "en" })).newPage();
    page.setDefaultTimeout(10_000);
    const verifier = client.randomPKCECodeVerifier();
    const [state, nonce] = [client.randomState(), client.randomNonce()];
    const to = client.buildAuthorizationUrl(config, {
      redirect_uri: `${origin}/callback`,
      scope: "openid profile email offline_access",
      prompt: "consent",
      state,
      nonce,
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
    });
    await page.goto(to.href);
    await page.fill("#username", "demo");
    await page.fill("#password", "right");
    await page.keyboard.press("Enter");
    await page.check('input[name="scope.offline_access"]');
    await page.click("button[value=allow]");
    await page.waitForURL(`${origin}/callback**`);

    const tokens = await client.authorizationCodeGrant(config, new URL(page.url()), {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    });
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? "");
    const userinfo = await client.fetchUserInfo(config, refreshed.access_token, "u-demo");
    assert.equal(userinfo["name"], "Name of demo");

    await page.goto(
      client.buildEndSessionUrl(config, {
        id_token_hint: tokens.id_token ?? "",
        post_logout_redirect_uri: `${origin}/out`,
        state: "bye",
      }).href,
    );
    await page.click("button[value=yes]");
    await page.waitForURL(`${origin}/out?state=bye`);
    await page.context().close();
  });
}
