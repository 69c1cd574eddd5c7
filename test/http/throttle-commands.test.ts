import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createVisitor } from "../support/browser.ts";
import { startIdp, type TestIdp } from "../support/idp.ts";
import { journeyOf, OIDC, SCRIPT } from "../support/journey.ts";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

let idp: TestIdp;
const { loginPage, submit, signIn, codeOf } = journeyOf(() => idp.issuer);
before(async () => {
  const more = "login: { throttle: { account: 3/15m, pair: 3/15m, address: 1000/15m, surge: 4/15m } }";
  idp = await startIdp({ script: SCRIPT, oidc: OIDC, store: "sqlite", more });
});
after(() => idp.stop());

async function throttle(...args: readonly string[]): Promise<{ code: number | null; out: string; err: string }> {
  const all = [MAIN, "throttle", ...args, "-c", join(idp.folder, "config.yaml")];
  const child = spawn(process.execPath, all, { env: { PATH: process.env["PATH"] ?? "" } });
  let [out, err] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (err += chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  return { code, out, err };
}

async function guess(username: string, password: string): Promise<number> {
  const visitor = createVisitor();
  return (await submit(visitor, await loginPage(visitor), username, password)).status;
}

test("an operator sees who is locked out and lets them in again, and nobody else", async () => {
  for (const username of ["locked", "locked", "locked", "other"]) await guess(username, "wrong");
  assert.equal(await guess("Locked ", "right"), 429);

  const listed = await throttle("list", "--json");
  assert.equal(listed.code, 0);
  const counts = JSON.parse(listed.out) as Record<string, unknown>[];
  const rows = counts.map(({ of, attempts, refused, failed, window }) =>
    [of, attempts, refused, failed, window].join(" "),
  );
  assert.equal(rows[0], "pair 4 true 3 1800", "the most wanted first");
  assert.deepEqual(rows.toSorted(), [
    "account 1 false 1 900",
    "account 3 true 3 1800",
    "address 4 false 0 900",
    "pair 1 false 1 900",
    "pair 4 true 3 1800",
    "provider 2 false 0 900",
  ]);
  for (const row of counts)
    for (const field of ["guessed", "of", "key", "attempts", "limit", "until", "refused"])
      assert.ok(field in row, field);
  assert.doesNotMatch(listed.out, /locked/i);
  const row = ", 3 failed in a row, next window 30 min";
  assert.match(
    (await throttle("list", "--account", "LOCKED")).out,
    new RegExp(
      `^password pair +4/3 refused until \\S+ \\S{12} 127\\.0\\.0\\.1${row}\npassword account +3/3 refused until \\S+ \\S{12}${row}\n$`,
    ),
  );
  assert.equal((await throttle("list", "--address", "127.0.0.")).out, "nothing was counted\n");
  assert.equal((await throttle("list", "--address", "127.0.0.1")).out.split("\n").length, 4);

  const cleared = await throttle("clear", "--account", "locked");
  assert.deepEqual([cleared.code, cleared.out.split("\n").length], [0, 3]);
  assert.equal((await throttle("list", "--account", "locked")).out, "nothing was counted\n");
  assert.match((await throttle("list", "--account", "other")).out, /1\/3 allowed/);
  codeOf(await signIn(createVisitor(), "app", "locked"));
});

test("clearing nothing in particular is refused, and everything takes --all", async () => {
  const refused = await throttle("clear");
  assert.equal(refused.code, 2);
  assert.match(refused.err, /--account <name>/);
  for (const name of ["another", "one", "more"]) await guess(name, "wrong");
  assert.match((await throttle("list")).out, /^password provider +\d\/4 surge until \S+$/m);
  assert.equal((await throttle("clear", "--all")).code, 0);
  assert.equal((await throttle("list")).out, "nothing was counted\n");
});
