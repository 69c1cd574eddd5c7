import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { certify, writePair } from "../support/certificates.ts";
import { runProgram } from "../support/served.ts";

const folder = mkdtempSync(join(tmpdir(), "moonlatch-commands-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const LUA = `function nauthilus_backend_verify_password(request)
  local b = nauthilus_backend_result.new()
  b:user_found(true) b:account_field("account") b:attributes({ account = request.username, mail = "demo@example.org" })
  return nauthilus_builtin.BACKEND_RESULT_OK, b
end
function nauthilus_backend_list_accounts() return nauthilus_builtin.BACKEND_RESULT_OK, { "demo", "editor" } end`;

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

const run = (args: readonly string[], input = "") => runProgram(folder, args, input);

const configuration = (port: number, script = "backend.lua") => `issuer: http://localhost:${port}
server: { listen: [{ host: 127.0.0.1, port: ${port} }] }
store: "memory:"
lua: { backends: [{ name: default, script: ./${script} }] }
`;

write("backend.lua", LUA);
write("good.yaml", configuration(0));

test("a broken configuration is refused with every fault, its line and what would be right", async () => {
  write(
    "bad.yaml",
    `issuer: http://id.example.org/
server: { listen: [{ host: 127.0.0.1, port: 80800 }] }
store: sqlite:./x.db
lua: { backends: [{ name: default, script: ./nowhere.lua }] }
loginn: {}
oidc:
  clients:
    - client_id: a
      redirect_uris: ["nonsense"]
      client_secret: \${ENV:NOT_THERE}
`,
  );
  const { code, err } = await run(["config", "check", "bad.yaml"]);
  assert.equal(code, 78);
  assert.match(err, /bad\.yaml:5: loginn: unknown key "loginn" \(did you mean "login"\?\)/);
  assert.match(err, /bad\.yaml:2: server\.listen\[0\]\.port/);
  assert.match(err, /bad\.yaml:9: oidc\.clients\[0\]\.redirect_uris\[0\]: must be an absolute address/);
  assert.match(err, /NOT_THERE is not set/);
});

test("a logo that is none is said as such", async () => {
  write("logo.txt", "x");
  write("logo.yaml", `${configuration(1)}ui: { logo: ./logo.txt }\n`);
  assert.match((await run(["config", "check", "logo.yaml"])).err, /logo\.yaml:5: ui\.logo: must be an SVG or PNG file/);
});

test("contradictions are found too: http in public, a missing script, one client twice, a short secret", async () => {
  write(
    "unsafe.yaml",
    `${configuration(1, "nowhere.lua").replace("http://localhost:1", "http://id.example.org")}oidc:
  clients:
    - { client_id: a, client_secret: short, redirect_uris: ["https://a.example.org/*"] }
    - { client_id: a, token_endpoint_auth_method: none, redirect_uris: ["http://a.example.org/"] }
`,
  );
  const { code, err } = await run(["config", "check", "unsafe.yaml"]);
  assert.equal(code, 78);
  for (const part of [
    /http is only for localhost/,
    /there is no file .*nowhere\.lua/,
    /used by oidc\.clients\[0\] already/,
    /at least 16 characters/,
    /wildcards are not supported/,
    /http is only for loopback/,
  ]) {
    assert.match(err, part);
  }
});

test("clients stand in files of their own too, and their faults are named there", async () => {
  mkdirSync(join(folder, "clients.d"), { recursive: true });
  write(
    "clients.d/a.json",
    '{\n  "client_id": "from-json",\n  "client_secret": "a-long-enough-secret",\n  "redirect_uris": ["https://a.example.org/"]\n}',
  );
  write(
    "clients.d/b.yaml",
    '- client_id: one\n  token_endpoint_auth_method: none\n  redirect_uris: ["https://b.example.org/"]\n- client_id: from-json\n  redirect_urls: ["https://b.example.org/"]\n',
  );
  write("files.yaml", `${configuration(1)}oidc: { clients_from: [./clients.d, ./nowhere] }\n`);
  const bad = await run(["config", "check", "files.yaml"]);
  assert.match(
    bad.err,
    /b\.yaml:5: \[1\]\.redirect_urls: unknown key "redirect_urls" \(did you mean "redirect_uris"\?\)/,
  );
  assert.match(bad.err, /nowhere: there is no such file or folder/);

  write(
    "clients.d/b.yaml",
    '- client_id: one\n  token_endpoint_auth_method: none\n  redirect_uris: ["https://b.example.org/"]\n- client_id: from-json\n  token_endpoint_auth_method: none\n  redirect_uris: ["https://b.example.org/*"]\n',
  );
  write("files.yaml", `${configuration(1)}oidc: { clients_from: [./clients.d] }\n`);
  const crossed = await run(["config", "check", "files.yaml"]);
  assert.match(
    crossed.err,
    /b\.yaml:4: \[1\]\.client_id: the client_id "from-json" is used by oidc\.clients\[0\] already/,
  );
  assert.match(crossed.err, /b\.yaml:6: \[1\]\.redirect_uris\[0\]: wildcards/);

  write(
    "clients.d/b.yaml",
    '- { client_id: one, token_endpoint_auth_method: none, redirect_uris: ["https://b.example.org/"] }\n',
  );
  const fine = await run(["config", "check", "--json", "files.yaml"]);
  assert.deepEqual(
    (JSON.parse(fine.out) as { config: { oidc: { clients: { client_id: string }[] } } }).config.oidc.clients.map(
      (client) => client.client_id,
    ),
    ["from-json", "one"],
  );
});

test("a sound configuration passes, and secrets are never printed", async () => {
  write(
    "secret.yaml",
    `${configuration(1)}oidc: { clients: [{ client_id: a, client_secret: a-very-long-secret-value, redirect_uris: ["https://a.example.org/"] }] }\n`,
  );
  const { code, out } = await run(["config", "check", "--json", "secret.yaml"]);
  assert.equal(code, 0);
  assert.doesNotMatch(out, /a-very-long-secret-value/);
  assert.match(out, /\[secret\]/);
});

test("a script that does not compile stops the start with file and line", async () => {
  write("broken.lua", "local a = 1\nlocal b = = 2\n");
  write("broken.yaml", configuration(0, "broken.lua"));
  const { code, err } = await run(["serve", "-c", "broken.yaml"]);
  assert.equal(code, 78);
  assert.match(err, /broken\.lua:2:/);
});

test("serve and config check refuse a certificate that ended, with its file, and config check warns of one that will", async () => {
  const tls = { cert_file: join(folder, "tls.crt"), key_file: join(folder, "tls.key") };
  const text = configuration(0).replace("port: 0", "port: 0, tls: { cert_file: ./tls.crt, key_file: ./tls.key }");
  write("tls.yaml", text);
  writePair(tls, await certify({ name: "localhost", until: -0.1 }));
  for (const args of [
    ["serve", "-c", "tls.yaml"],
    ["config", "check", "tls.yaml"],
  ]) {
    const { code, err } = await run(args);
    assert.deepEqual([code, /tls\.crt: the certificate ended on \d{4}-\d\d-\d\d; renew it/.test(err)], [78, true], err);
  }
  writePair(tls, await certify({ name: "localhost", until: 5 }));
  const { code, out, err } = await run(["config", "check", "tls.yaml"]);
  assert.deepEqual([code, out], [0, "tls.yaml: no fault found\n"]);
  assert.match(err, /^warning: .*tls\.crt: the certificate ends in 4 days; renew it\n$/);
});

test("a port in use is said plainly", async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  write("taken.yaml", configuration(port));
  const { code, err } = await run(["serve", "-c", "taken.yaml"]);
  taken.close();
  assert.equal(code, 1);
  assert.match(err, new RegExp(`Port ${port} on 127\\.0\\.0\\.1 is taken by another program`));
});

test("a store that cannot be opened is said plainly", async () => {
  write("nostore.yaml", configuration(0).replace("memory:", "sqlite:./backend.lua"));
  const { code, err } = await run(["serve", "-c", "nostore.yaml"]);
  assert.equal(code, 78);
  assert.match(err, /The store \/.*backend\.lua cannot be used: the file is not a database .* Correct the path/);
});

test("accounts are listed and shown, a function is called, a script is checked", async () => {
  assert.equal((await run(["accounts", "list", "-c", "good.yaml"])).out, "demo\neditor\n");
  assert.match((await run(["accounts", "show", "demo", "-c", "good.yaml"])).out, /demo@example\.org/);
  const called = await run(["lua", "call", "nauthilus_backend_list_accounts", "-c", "good.yaml", "--json", "{}"]);
  assert.deepEqual((JSON.parse(called.out) as { result: { value: unknown } }).result.value, ["demo", "editor"]);
  const checked = await run(["lua", "check", "-c", "good.yaml"]);
  assert.equal(checked.code, 0, checked.out);
  write("typo.lua", `${LUA}\nfunction f() return usrname end`);
  write("typo.yaml", configuration(0, "typo.lua"));
  const typo = await run(["lua", "check", "-c", "typo.yaml"]);
  assert.equal(typo.code, 1);
  assert.match(typo.out, /typo\.lua:\d+: the global usrname is never set/);
});

test("a password becomes a hash that is not the password, and wrong usage exits with 2", async () => {
  const { code, out } = await run(["hash-password"], "secret\n");
  assert.equal(code, 0);
  assert.match(out, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  assert.equal((await run(["no-such-command"])).code, 2);
  assert.equal((await run(["lua", "call", "nonsense", "-c", "good.yaml", "--json", "{}"])).code, 2);
  assert.equal((await run(["--help"])).code, 0);
});
