import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createVisitor, follow } from "../support/browser.ts";
import { freePort } from "../support/free-port.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));
const CALLBACK = "http://127.0.0.1:9/callback";
const VERIFIER = "v".repeat(43);
const ROUNDS = 3;

const folder = mkdtempSync(join(tmpdir(), "moonlatch-durability-"));
const running: ChildProcess[] = [];
after(() => {
  for (const child of running) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

writeFileSync(
  join(folder, "backend.lua"),
  `function nauthilus_backend_verify_password(request)
  local b = nauthilus_backend_result.new()
  b:user_found(true) b:authenticated(request.password == "right") b:account_field("account") b:attributes({ account = request.username })
  return nauthilus_builtin.BACKEND_RESULT_OK, b
end`,
);

async function start(port: number): Promise<ChildProcess> {
  const child = spawn(process.execPath, [MAIN, "serve", "-c", "config.yaml"], {
    cwd: folder,
    env: { PATH: process.env["PATH"] ?? "" },
    stdio: "ignore",
  });
  running.push(child);
  const deadline = Date.now() + 20_000;
  const status = () =>
    fetch(`http://127.0.0.1:${port}/health/ready`).then(
      (answer) => answer.status,
      () => 0,
    );
  while ((await status()) !== 200) {
    assert.ok(child.exitCode === null && Date.now() < deadline, "the provider did not become ready");
    await new Promise((resolve) => setImmediate(resolve));
  }
  return child;
}

test("killed at any moment, the provider keeps acknowledged sign-ins, and no used code or refresh token lives again", async () => {
  const port = await freePort();
  const issuer = `http://localhost:${port}`;
  writeFileSync(
    join(folder, "config.yaml"),
    `issuer: ${issuer}
server: { listen: [{ host: 127.0.0.1, port: ${port} }] }
store: sqlite:./moonlatch.db
lua: { backends: [{ name: default, script: ./backend.lua }] }
oidc: { clients: [{ client_id: app, client_secret: a-secret-of-the-application, redirect_uris: ["${CALLBACK}"], grant_types: [authorization_code, refresh_token], skip_consent: true }] }
`,
  );
  const authorize = (more: Readonly<Record<string, string>>) =>
    `${issuer}/oidc/authorize?${new URLSearchParams({ client_id: "app", redirect_uri: CALLBACK, response_type: "code", code_challenge: createHash("sha256").update(VERIFIER).digest("base64url"), code_challenge_method: "S256", ...more }).toString()}`;
  const token = (body: Readonly<Record<string, string>>) =>
    fetch(`${issuer}/oidc/token`, {
      method: "POST",
      headers: { authorization: `Basic ${btoa("app:a-secret-of-the-application")}` },
      body: new URLSearchParams(body),
    });
  const redeem = (code: string) =>
    token({ grant_type: "authorization_code", code, redirect_uri: CALLBACK, code_verifier: VERIFIER });
  const refresh = (value: string) => token({ grant_type: "refresh_token", refresh_token: value });
  const codeOf = (location: string | undefined) =>
    new URL(location ?? "").searchParams.get("code") ?? assert.fail(location);

  let child = await start(port);
  const keys = await (await fetch(`${issuer}/oidc/jwks`)).text();
  for (let round = 0; round < ROUNDS; round += 1) {
    const visitor = createVisitor();
    const page = await follow(
      visitor,
      await visitor.get(authorize({ scope: "openid offline_access", prompt: "consent" })),
      issuer,
    );
    const answer = await visitor.post(page.url, {
      csrf: page.field("csrf"),
      username: `user${round}`,
      password: "right",
    });
    const consent = await follow(visitor, await visitor.get(new URL(answer.handoff ?? "", issuer).href), issuer);
    const allowed = await visitor.post(consent.url, {
      csrf: consent.field("csrf"),
      decision: "allow",
      "scope.offline_access": "on",
    });
    const used = codeOf((await visitor.get(new URL(allowed.handoff ?? "", issuer).href)).location);
    const first = (await (await redeem(used)).json()) as { refresh_token: string };
    const second = (await (await refresh(first.refresh_token)).json()) as { refresh_token: string };

    child.kill("SIGKILL");
    await once(child, "exit");
    child = await start(port);

    assert.equal(await (await fetch(`${issuer}/oidc/jwks`)).text(), keys);
    codeOf((await visitor.get(authorize({ scope: "openid", prompt: "none" }))).location);
    assert.equal((await refresh(second.refresh_token)).status, 200);
    assert.equal((await redeem(used)).status, 400);
    assert.equal((await refresh(first.refresh_token)).status, 400);
  }
  child.kill("SIGTERM");
  await once(child, "exit");
});
