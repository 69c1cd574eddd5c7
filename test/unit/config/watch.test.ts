import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { loadConfig, watchConfig } from "../../../src/config/index.ts";

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
  const loaded = loadConfig(file, {});
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const watch = watchConfig(file, {}, loaded.value);
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
