import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { Secret } from "../../src/kernel/index.ts";
import { CONTEXT, startBackend, type TestBackend } from "../support/lua.ts";
import { bodyOf, startWebServer, type WebServer } from "../support/web-server.ts";

const SCRIPT = readFileSync(new URL("./proxy-backend.lua", import.meta.url));
const asked: { readonly headers: Readonly<Record<string, unknown>>; readonly fields: Record<string, unknown> }[] = [];
let server: WebServer;
let backend: TestBackend;

before(async () => {
  server = await startWebServer((request, response) => {
    void bodyOf(request).then((body) => {
      const fields = JSON.parse(body.toString()) as Record<string, unknown>;
      asked.push({ headers: request.headers, fields });
      if (fields["username"] === "broken") return response.writeHead(502).end("bad gateway");
      const ok = fields["username"] === "demo" && (fields["no_auth"] === true || fields["password"] === "right");
      response.writeHead(ok ? 200 : 403, { "Content-Type": "application/json" });
      return response.end(
        JSON.stringify({ ok, account_field: "uid", attributes: { uid: "demo", mail: ["demo@example.org"] } }),
      );
    });
  });
  backend = await startBackend(SCRIPT, {
    allow: { hosts: ["localhost"] },
    environment: { PROXY_BACKEND_URL: `http://localhost:${server.port}/auth`, PROXY_BACKEND_TIMEOUT: "2s" },
  });
});
after(async () => {
  await backend.stop();
  await server.close();
});

test("a script that hands checks on to another service by HTTP runs as it was written", async () => {
  const signIn = (name: string, password: string) =>
    backend.accounts.verifyPassword(name, new Secret(password), CONTEXT);
  const accepted = await signIn("demo", "right");
  assert.equal(accepted.code === "accepted" ? accepted.account.name : accepted.code, "demo");
  assert.equal((await backend.accounts.lookup("demo", CONTEXT)).code, "found");
  assert.equal((await signIn("demo", "wrong")).code, "rejected");
  assert.equal((await signIn("broken", "right")).code, "unavailable");
  const [first] = asked;
  assert.deepEqual(first?.fields, {
    client_ip: "192.0.2.1",
    no_auth: false,
    password: "right",
    protocol: "oidc",
    username: "demo",
  });
  assert.equal(first?.headers["content-type"], "application/json");
});
