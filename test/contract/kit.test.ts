import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { runCommand } from "../../src/cli/index.ts";
import type { KitReport } from "../../src/lua/index.ts";
import { startAccountsService } from "../support/accounts-service.ts";
import { expectWhole, kitOn } from "../support/kit.ts";
import { CONTEXT, startBackend } from "../support/lua.ts";
import { BROKEN } from "./kit-broken.ts";

const GOOD = readFileSync(new URL("kit-backend.lua", import.meta.url), "utf8");
const PASSWORD = "Right-one 1";
const folder = mkdtempSync(join(tmpdir(), "moonlatch-kit-"));
after(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, "password"), `${PASSWORD}\n`);

interface Setup {
  readonly allow?: string;
  readonly limits?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
  readonly password?: string;
}

/** Runs the command on a script, given as Lua or as a file of `lua/`. */
async function run(script: string, { allow = "{}", limits = "{}", environment = {}, args, password }: Setup = {}) {
  const file = script.endsWith(".lua") ? fileURLToPath(new URL(`../../lua/${script}`, import.meta.url)) : "kit.lua";
  if (!script.endsWith(".lua")) writeFileSync(join(folder, "kit.lua"), script);
  writeFileSync(
    join(folder, "kit.yaml"),
    `issuer: http://localhost:8080
server: { listen: [{ host: 127.0.0.1, port: 8080 }] }
store: "memory:"
lua: { backends: [{ name: default, script: "${file}", allow: ${allow}, limits: ${limits} }] }
`,
  );
  if (password !== undefined) writeFileSync(join(folder, "other"), password);
  let [out, err] = ["", ""];
  const passwordFile = password === undefined ? "password" : "other";
  const rest = args ?? ["--account", "demo", "--password-file", passwordFile, "--yes"];
  const code = await runCommand(["lua", "test", "-c", "kit.yaml", ...rest], {
    environment,
    cwd: folder,
    write: (text) => void (out += text),
    writeError: (text) => void (err += text),
  });
  return { code, out, err };
}

const JSON_ARGS = ["--account", "demo", "--password-file", "password", "--yes", "--json"];
async function report(script: string, setup: Setup = {}): Promise<KitReport & { readonly code: number }> {
  const { code, out, err } = await run(script, { args: JSON_ARGS, ...setup });
  assert.equal(err, "");
  return { ...(JSON.parse(out) as KitReport), code };
}

const failed = ({ properties }: KitReport) => properties.flatMap(({ id, result }) => (result === "failed" ? [id] : []));
test("lua/http.lua keeps the whole contract with its service", async () => {
  const service = await startAccountsService();
  const account = {
    password: PASSWORD,
    unique_id: "id-demo",
    display_name: "Démo",
    groups: ["staff"],
    credentials: [],
  };
  service.accounts.set("demo", account);
  try {
    const result = await report("http.lua", {
      allow: "{ hosts: [localhost], env: [MOONLATCH_HTTP_URL, MOONLATCH_HTTP_TOKEN] }",
      environment: { MOONLATCH_HTTP_URL: service.url, MOONLATCH_HTTP_TOKEN: service.token },
    });
    expectWhole(result);
    assert.equal(result.code, 0);
    assert.deepEqual([...service.accounts], [["demo", { ...account, credentials: [] }]]);
  } finally {
    await service.close();
  }
});

test("lua/minimal.lua keeps what it offers, and what it does not offer is named", async () => {
  const { code, out } = await run("minimal.lua", { password: "change-me" });
  assert.equal(code, 0, out);
  assert.match(out, /– .+ \(not applicable: the script does not define add_totp, delete_totp\)/);
  assert.match(out, /Not offered: recovery codes \(without nauthilus_backend_add_totp_recovery_codes, /);
  assert.match(out, /^100 %: (\d+) of \1 properties hold; 0 findings, 0 not checked, \d+ not applicable\n$/m);
});

test("the script that the tests below break keeps the whole contract", async () => {
  expectWhole(await report(GOOD));
});

for (const [what, id, got, from, to] of BROKEN) {
  test(`a script that ${what} has the finding ${id} and no other`, async () => {
    assert.ok(GOOD.includes(from), "there is something to break");
    const broken = GOOD.replaceAll(from, () => to);
    const result = await report(broken);
    assert.deepEqual(failed(result), [id]);
    const finding = result.properties.find((one) => one.id === id)?.finding;
    assert.match(finding?.got ?? "", got);
    assert.equal(result.code, 1);
    assert.ok(!JSON.stringify(result).includes(PASSWORD));
  });
}

test("a script that waits too long has the finding script.time", async () => {
  const slow = GOOD.replace("local names =", 'require("time").sleep(1.1)\n  local names =');
  const result = await report(slow, { limits: "{ call: 2s }" });
  assert.deepEqual(failed(result), ["script.time"]);
});

test("what cannot be removed is named, and the report reads well", async () => {
  const { code, out } = await run(GOOD.replace('cache.cache_delete("totp:" .. request.username)', ""));
  assert.equal(code, 1);
  assert.match(
    out,
    / {2}✖ nothing is there after it was deleted \[totp\.delete\]\n {6}call: {5}nauthilus_backend_delete_totp\n {6}expected: nothing stored\n {6}got: .+\n {6}change: {3}Let delete_totp remove the value/,
  );
  assert.match(out, /– .+ \(not checked: totp\.delete comes first\)/);
  assert.match(out, /Not removed: authenticator app of the account demo/);
  assert.match(out, /^\d\d %: \d+ of \d+ properties hold; 1 findings, \d+ not checked, 0 not applicable\n$/m);
});

test("a wrong password is told by one finding", async () => {
  assert.deepEqual(failed(await report(GOOD, { args: [...JSON_ARGS, "--password-file", "capitals"] })), [
    "password.right",
  ]);
});
writeFileSync(join(folder, "capitals"), PASSWORD.toUpperCase());

for (const [what, script, setup, code, err] of [
  [
    "without --yes",
    GOOD,
    { args: JSON_ARGS.filter((arg) => arg !== "--yes") },
    2,
    /writes and removes second factors of the account demo/,
  ],
  ["without a password", GOOD, { args: ["--account", "demo", "--yes"] }, 2, /--password-stdin or --password-file/],
  ["with a password that is too short to be kept out of texts", GOOD, { password: "short" }, 1, /8 characters or more/],
  ["on an account that is not there", GOOD.replaceAll("demo", "other"), {}, 1, /there is no account demo: make one/],
  [
    "on a backend that is not there",
    GOOD,
    { args: [...JSON_ARGS, "--backend", "x"] },
    2,
    /no backend x; one of: default/,
  ],
  [
    "on an account with factors",
    GOOD.replace('local totp, codes = cache.cache_get("totp:" .. request.username)', 'local totp, codes = "JBSWY3DP"'),
    {},
    1,
    /has second factors \(authenticator app\)/,
  ],
] as const) {
  test(`the kit does not begin ${what}`, async () => {
    const result = await run(script, setup);
    assert.deepEqual({ code: result.code, out: result.out }, { code, out: "" });
    assert.match(result.err, err);
  });
}

/** Runs the kit on the good script, and does something when the first authenticator app is written. */
async function runUntil(atFirstWrite: (stop: AbortController) => void) {
  const backend = await startBackend(GOOD);
  const stop = new AbortController();
  let isFirst = true;
  const ran = await kitOn(backend, {
    account: "demo",
    password: PASSWORD,
    signal: stop.signal,
    async call(name, fn, fields) {
      const outcome = await backend.call(name, fn, fields);
      if (fn === "nauthilus_backend_add_totp" && isFirst) {
        isFirst = false;
        atFirstWrite(stop);
      }
      return outcome;
    },
  }).catch((error: unknown) => String(error));
  const found = await backend.accounts.lookup("demo", CONTEXT);
  await backend.stop();
  return { ran, secret: found.code === "found" ? found.account.totp_secret : found.code };
}

test("a test that is interrupted removes what it wrote and says what was not checked", async () => {
  const { ran, secret } = await runUntil((stop) => stop.abort());
  const { properties, left } = typeof ran === "object" ? ran : assert.fail(ran);
  assert.equal(properties.find(({ id }) => id === "totp.add")?.result, "passed");
  assert.equal(properties.find(({ id }) => id === "webauthn.list")?.because, "the test was interrupted");
  assert.deepEqual({ left, secret }, { left: [], secret: undefined });
});

test("a test that fails itself removes what it wrote", async () => {
  const { ran, secret } = await runUntil(() => {
    throw new Error("the host failed");
  });
  assert.deepEqual({ ran, secret }, { ran: "Error: the host failed", secret: undefined });
});
