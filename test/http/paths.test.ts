import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { OIDC, SCRIPT } from "../support/journey.ts";
import { exchange } from "../support/raw-socket.ts";

let idp: TestIdp;
before(async () => {
  idp = await startIdp({ script: SCRIPT, oidc: OIDC, store: "sqlite" });
});
after(() => idp.stop());

/** As it stands, without a client that mends the path first. */
async function get(path: string): Promise<{ status: number; location: string | undefined; text: string }> {
  const head = `Host: localhost:${idp.port}\r\nConnection: close\r\n\r\n`;
  const { text, statuses } = await exchange(idp.port, `GET ${path} HTTP/1.1\r\n${head}`, 10_000);
  return { status: statuses[0] ?? 0, location: /^location: (.*)\r$/im.exec(text)?.[1], text };
}

/** A link, form or refresh to another host, in each way a browser reads one. */
const LEADS_AWAY = /(?:(?:href|action|src)="|url=)(?:[a-z]+:|[/\\]{2})/i;

const FILES: readonly string[] = [
  "/.env",
  "/.git/config",
  "/.git/HEAD",
  "/.htaccess",
  "/.npmrc",
  "/.well-known/../package.json",
  "/../package.json",
  "/..;/package.json",
  "/..\\package.json",
  "/%2e%2e/package.json",
  "/%2e%2e%2fpackage.json",
  "/%252e%252e%252fpackage.json",
  "/%c0%ae%c0%ae/package.json",
  "/%u002e%u002e/package.json",
  "/assets/../../package.json",
  "/assets/..%2f..%2fpackage.json",
  "/assets/..%5c..%5cpackage.json",
  "/assets/..\\..\\package.json",
  "/assets/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
  "/assets//etc/passwd",
  "/assets/style.css%00.js",
  "/assets/",
  "/assets/style.css",
  "/public/style.css",
  "/views/error.ejs",
  "/package.json",
  "/package-lock.json",
  "/src/main.ts",
  "/dist/main.js",
  "/lua/sqlite.lua",
  "/backend.lua",
  "/config.yaml",
  "/config/demo.yaml",
  "/moonlatch.db",
  "/moonlatch.db-wal",
  "/data/moonlatch.db",
  "/accounts.db",
  "/audit.log",
  "/sealing.key",
  "/tls.key",
  "/node_modules/express/package.json",
  "/proc/self/environ",
  "/etc/passwd",
  "/wp-login.php",
  "/__proto__",
  "/constructor",
  "/toString",
  "/login/__proto__/x",
  "/login/constructor/x",
  "/saml/metadata",
  "/metrics",
  "/api/v1/accounts",
  "/Account",
  "/account/",
  "/health/live/",
  "/HEALTH/LIVE",
  "/OIDC/jwks",
  "/oidc/jwks/",
  "/login/oidc/x/y/",
  "//evil.example",
  "//evil.example/account",
  "///account",
  "/\\evil.example",
  "/%2f%2fevil.example",
  "/%5cevil.example",
  "/oidc//authorize",
  "/OIDC/authorize",
  "/oidc/authorize/..%2f..%2faccount",
  "/account%3f",
  "/account%2f",
  "/account;jsessionid=1",
  "/account/%2e%2e",
  "/login",
  "/login//evil.example",
  "/login/a/b/c",
  "/%00",
  "/%",
  "/%zz",
  "/%ff",
  "/account%0d%0aX-Injected:yes",
  `/${"a/".repeat(4_000)}`,
];
for (const path of FILES) {
  test(`${path.slice(0, 60)} is our page that there is nothing`, async () => {
    const { status, location, text } = await get(path);
    assert.deepEqual([status, location], [404, undefined]);
    assert.doesNotMatch(text, LEADS_AWAY);
    assert.match(text, /<html /);
    assert.doesNotMatch(text, /root:|"dependencies"|nauthilus_|^X-Injected|SQLite format/m);
  });
}

/** Where an address could be smuggled in that the browser is then sent to. */
const REDIRECTS: readonly string[] = [
  "/?next=//evil.example",
  "/?returnTo=https://evil.example",
  "/account?next=https://evil.example",
  "/account?rd=//evil.example",
  "/account/?redirect=/%5cevil.example",
  "/account#//evil.example",
  "/account/security?next=//evil.example",
  "/login/oidc/x?next=//evil.example",
  "/login/account/x?rd=//evil.example",
  "/login/account/..%2f..%2fevil.example",
  "/login/saml/x?RelayState=https://evil.example",
  "/login/oidc/%2f%2fevil.example",
  "/login/oidc/%00",
  "/oidc/logout?post_logout_redirect_uri=https://evil.example",
  "/oidc/logout?rd=https://evil.example",
  "/oidc/logout?client_id=app&post_logout_redirect_uri=https://evil.example",
  "/oidc/logout?client_id=app&post_logout_redirect_uri=//evil.example",
  "/oidc/logout/success?post_logout_redirect_uri=https://evil.example",
  "/oidc/authorize?client_id=app&redirect_uri=https://evil.example&response_type=code&scope=openid",
  "/oidc/authorize?client_id=app&redirect_uri=//evil.example&response_type=code&scope=openid",
  "/oidc/authorize?client_id=app&redirect_uri=http://127.0.0.1:9/callback@evil.example&response_type=code",
  "/oidc/authorize?client_id=app&redirect_uri=http://127.0.0.1:9/callback/../evil&response_type=code",
  "/oidc/authorize?client_id=evil&redirect_uri=https://evil.example&response_type=code",
  "/oidc/authorize/x?returnTo=https://evil.example",
];
for (const path of REDIRECTS) {
  test(`${path} leads nowhere else`, async () => {
    const { status, location, text } = await get(path);
    assert.ok(status >= 200 && status < 500, String(status));
    const { origin } = new URL(location ?? "/", idp.issuer);
    assert.equal(origin, idp.issuer);
    assert.doesNotMatch(text, LEADS_AWAY);
  });
}

test("none of it was a failure of ours", () => {
  assert.deepEqual(
    idp.log.filter((line) => line.includes('"level":"error"')),
    [],
  );
});
