import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { watchConfig } from "../../../src/config/index.ts";

const client = (id: string): string =>
  `{ client_id: ${id}, client_secret: a-secret-of-the-test-application, redirect_uris: ["https://app.example/cb"] }`;

test("a client file that comes, changes or goes is noticed once each, and so is the configuration itself", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-watch-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "config.yaml");
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, "clients"));
  write("backend.lua", "");
  write("clients/one.yaml", client("one"));
  write(
    "config.yaml",
    `issuer: https://id.example.org
server: { listen: [{ host: 127.0.0.1, port: 8080 }] }
store: "memory:"
lua: { backends: [{ name: default, script: ./backend.lua }] }
oidc: { clients_from: [./clients] }
`,
  );
  const watch = watchConfig(file, {});
  assert.ok(watch.first.ok, JSON.stringify(watch.first));
  const seen = (): readonly string[] | "faults" | "nothing" => {
    const found = watch.poll();
    if (found === undefined) return "nothing";
    return found.ok ? found.value.oidc.clients.map(({ client_id: id }) => id) : "faults";
  };
  assert.equal(seen(), "nothing");

  write("clients/two.yaml", client("second"));
  assert.deepEqual(seen(), ["one", "second"]);
  assert.equal(seen(), "nothing");

  write("clients/two.yaml", "client_id: [");
  assert.equal(seen(), "faults");
  assert.equal(seen(), "nothing");

  rmSync(join(folder, "clients/two.yaml"));
  assert.deepEqual(seen(), ["one"]);

  rmSync(join(folder, "clients"), { recursive: true });
  assert.equal(seen(), "faults");
  mkdirSync(join(folder, "clients"));
  write("clients/one.yaml", client("again"));
  assert.deepEqual(seen(), ["again"]);

  rmSync(file);
  assert.equal(seen(), "faults");
});

test("a secret file is watched like the file that names it, also while it is missing", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "moonlatch-watch-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, "clients"));
  write("backend.lua", "");
  write("main.secret", "a-secret-of-the-test-application");
  write("filed.secret", "another-secret-of-the-application");
  write(
    "clients/filed.yaml",
    '{ client_id: filed, client_secret_file: FOLDER/filed.secret, redirect_uris: ["https://app.example/cb"] }'.replace(
      "FOLDER",
      folder,
    ),
  );
  write(
    "config.yaml",
    `issuer: https://id.example.org
server: { listen: [{ host: 127.0.0.1, port: 8080 }] }
store: "memory:"
lua: { backends: [{ name: default, script: ./backend.lua }] }
oidc:
  clients: [{ client_id: main, client_secret_file: ./main.secret, redirect_uris: ["https://app.example/cb"] }]
  clients_from: [./clients]
`,
  );
  const watch = watchConfig(join(folder, "config.yaml"), {});
  const secrets = (found: ReturnType<typeof watch.poll>): readonly unknown[] | "faults" | "nothing" => {
    if (found === undefined) return "nothing";
    return found.ok ? found.value.oidc.clients.map(({ client_secret: secret }) => secret?.expose()) : "faults";
  };
  assert.deepEqual(secrets(watch.first), ["a-secret-of-the-test-application", "another-secret-of-the-application"]);
  assert.equal(secrets(watch.poll()), "nothing");

  write("main.secret", "a-longer-secret-of-the-test-application");
  assert.deepEqual(secrets(watch.poll()), [
    "a-longer-secret-of-the-test-application",
    "another-secret-of-the-application",
  ]);
  write("filed.secret", "yet-another-secret-of-the-application");
  assert.deepEqual(secrets(watch.poll()), [
    "a-longer-secret-of-the-test-application",
    "yet-another-secret-of-the-application",
  ]);

  rmSync(join(folder, "main.secret"));
  assert.equal(secrets(watch.poll()), "faults");
  assert.equal(secrets(watch.poll()), "nothing");
  write("main.secret", "a-secret-of-the-test-application");
  assert.deepEqual(secrets(watch.poll()), [
    "a-secret-of-the-test-application",
    "yet-another-secret-of-the-application",
  ]);
});
